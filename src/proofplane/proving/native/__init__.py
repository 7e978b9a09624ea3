"""The native prover: child processes run programs and sign their public values, which is trust in the signer, not zero knowledge."""
