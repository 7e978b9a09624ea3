"""Service contracts: the model, its parser, its rules, its hash."""
