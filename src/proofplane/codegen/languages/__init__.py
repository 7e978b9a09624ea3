"""The target languages, each found by its name when it is asked for."""
