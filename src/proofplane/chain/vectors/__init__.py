"""Recorded test vectors of Lean consensus, nine families: read strictly, run against the rules and the importer, told apart by verdict."""
