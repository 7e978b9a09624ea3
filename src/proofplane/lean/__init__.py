"""Pure rules of Lean consensus (leanSpec 43246bd6, fork "lstar"): containers, transition, fork choice, block proofs."""
