"""Generated from `schema/bb.jsonc` and `schema/verifier.jsonc`; written anew by `make generate`, never by hand."""
