"""Bitcoin's rules, pure: headers, work, transactions, blocks and body checks; no I/O, no clock."""
