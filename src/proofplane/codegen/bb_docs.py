"""What the commands of `bb` 5.0.0 mean: the program prints names and types only, so the importer adds these texts to the contract.

A text's key is a name of the contract, or a name and a field: of a type, a command's request, or its response.
A name that a version of the program lacks is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping

_TYPES = {
    "CircuitInput": "A circuit and its verification key.",
    "CircuitInput.name": "For messages only.",
    "CircuitInput.bytecode": "ACIR in msgpack behind the format byte 0x03; not gzipped.",
    "CircuitInput.verification_key": "Empty if it is not known; the program then computes it where it needs it.",
    "CircuitInputNoVK": "A circuit whose verification key is not needed.",
    "CircuitInputNoVK.name": "For messages only.",
    "CircuitInputNoVK.bytecode": "ACIR in msgpack behind the format byte 0x03; not gzipped.",
    "ProofSystemSettings": "The flavour of UltraHonk; every field must be given.",
    "ProofSystemSettings.ipa_accumulation": "Whether proofs carry an IPA claim; needs the Grumpkin points.",
    "ProofSystemSettings.oracle_hash_type": 'The transcript\'s hash: "poseidon2" or "keccak".',
    "ProofSystemSettings.disable_zk": "Whether proofs need not hide their witness.",
    "ProofSystemSettings.optimized_solidity_verifier": "Which Solidity verifier is written; of no effect on proofs.",
    "ChonkProof": "A proof of a stack of circuits in five parts, in this order the flat form: 1,242 elements and the public inputs.",
    "ChonkProof.hiding_oink_proof": "The key's public inputs (those of the stack first), then 48 elements.",
    "ChonkProof.merge_proof": "41 elements.",
    "ChonkProof.eccvm_proof": "612 elements.",
    "ChonkProof.ipa_proof": "64 elements.",
    "ChonkProof.joint_proof": "477 elements.",
    "GrumpkinPoint": "A point of Grumpkin, whose coordinates are scalars of BN254.",
    "Secp256k1Point": "A point of secp256k1.",
    "Secp256r1Point": "A point of secp256r1 (P-256).",
    "Bn254G1Point": "A point of BN254's first group.",
    "Bn254G2Point": "A point of BN254's second group.",
    "AvmStat": "One measurement of the AVM prover.",
    "CircuitComputeVkResponse": "A verification key in three forms.",
    "CircuitComputeVkResponse.bytes": "The key as commands take it: 3,680 bytes with Poseidon2, 1,888 with Keccak.",
    "CircuitComputeVkResponse.fields": "The key as field elements, the form that a circuit takes.",
    "CircuitComputeVkResponse.hash": "Of `fields`, with Poseidon2, 32 bytes.",
}

_CIRCUITS = {
    "AvmProve": "Proves an execution of the AVM; builds without the AVM answer with an error.",
    "AvmVerify": "Verifies a proof of the AVM; builds without the AVM answer with an error.",
    "AvmCheckCircuit": "Checks the AVM's circuit on inputs without proving; builds without the AVM answer with an error.",
    "CircuitProve": "Proves a circuit. The witness is NOT checked: a proof from one that does not satisfy the circuit does not verify.",
    "CircuitProve.witness": "The witness map in msgpack behind the format byte 0x03; not gzipped.",
    "CircuitProveResponse.public_inputs": "The circuit's public inputs, taken from the witness.",
    "CircuitProveResponse.proof": "The proof without the public inputs; its length follows from the flavour.",
    "CircuitProveResponse.vk": "The key, if it was computed; empty if it was given.",
    "CircuitComputeVk": "Computes a circuit's verification key; needs as many ceremony points as proving.",
    "CircuitStats": "Counts a circuit's gates; needs no ceremony points.",
    "CircuitStats.include_gates_per_opcode": "Whether `gates_per_opcode` is filled.",
    "CircuitInfoResponse.num_gates": "Gates, or rows of the lookup tables where these are more; proving needs 2^k >= num_gates + 5 points.",
    "CircuitInfoResponse.num_gates_dyadic": "`num_gates` rounded up to a power of two, without the 5: too small near a boundary.",
    "CircuitInfoResponse.gates_per_opcode": "Gates of each opcode; fixed overhead and lookup tables are not in it.",
    "CircuitVerify": "Verifies a proof: true, false, or an error for what cannot be read as a proof of this key.",
    "CircuitVerify.public_inputs": "Exactly as many as the circuit has; another number is answered with an error.",
    "CircuitVerify.proof": "The proof without the public inputs.",
    "CircuitWriteSolidityVerifier": "Writes the Solidity contract that verifies proofs of a Keccak key.",
    "VkAsFields": "Gives a key of 3,680 bytes as 115 field elements.",
    "MegaVkAsFields": "Gives a key of one of Chonk's circuits, 5,216 bytes, as 163 field elements.",
}

_CHONK = {
    "ChonkComputeVk": "Computes the key of one of Chonk's circuits.",
    "ChonkComputeVk.use_zk_flavor": "True for the last (hiding) circuit of a stack, false for all others.",
    "ChonkComputeVkResponse.bytes": "5,216 bytes, or 3,680 of the hiding circuit.",
    "ChonkStart": "Begins a stack of circuits, forgetting one that was begun; the process holds one at a time, whoever asks.",
    "ChonkStart.num_circuits": "How many will follow, at least 4.",
    "ChonkLoad": "Gives the next circuit of the stack.",
    "ChonkAccumulate": "Folds the loaded circuit with this witness into the stack.",
    "ChonkAccumulate.witness": "The witness map in msgpack behind the format byte 0x03; not gzipped.",
    "ChonkProve": "Proves the whole stack, and verifies the proof itself.",
    "ChonkVerify": "Verifies a proof of a stack: true, false, or an error.",
    "ChonkVerify.vk": "The hiding circuit's key, 3,680 bytes.",
    "ChonkVerifyFromFields": "Verifies a proof of a stack in its flat form, whose layout is left to the program.",
    "ChonkVerifyFromFields.proof": "1,242 field elements and the key's public inputs; another number is answered with an error at once.",
    "ChonkVerifyFromFields.vk": "The hiding circuit's key, 3,680 bytes.",
    "ChonkBatchVerify": "Verifies several proofs of stacks together; one answer for all.",
    "ChonkBatchVerify.proofs": "At least one.",
    "ChonkBatchVerify.vks": "The key of each proof, as many as there are proofs.",
    "ChonkCheckPrecomputedVk": "Tells whether the key that comes with a circuit is the circuit's, and computes that.",
    "ChonkStats": "Counts the gates of one of Chonk's circuits; needs no ceremony points.",
    "ChonkCompressProof": "Compresses a proof of a stack: 1,272 elements, 40,704 bytes, to 23,264.",
    "ChonkDecompressProof": "Restores a compressed proof exactly.",
    "ChonkBatchVerifierStart": "Starts the batch verification service of this process, whose results come over a FIFO; one a process.",
    "ChonkBatchVerifierStart.vks": "Keys that proofs are later queued under, by index.",
    "ChonkBatchVerifierStart.num_cores": "Threads to verify with.",
    "ChonkBatchVerifierStart.batch_size": "Proofs that are verified together at most.",
    "ChonkBatchVerifierStart.fifo_path": "A FIFO made and read by the caller. Without it results are lost; without a reader `Stop` hangs.",
    "ChonkBatchVerifierQueue": "Queues a proof and returns; the result comes over the FIFO, in no order, by its id.",
    "ChonkBatchVerifierQueue.request_id": "Chosen by the caller, who keeps it unique: duplicates are not refused.",
    "ChonkBatchVerifierQueue.vk_index": "Which of the service's keys.",
    "ChonkBatchVerifierQueue.proof_fields": "The flat form: 1,242 field elements and the key's public inputs.",
    "ChonkBatchVerifierStop": "Verifies what is queued, then closes the FIFO; hangs if nobody reads it.",
}

_HASHES = {
    "Poseidon2Hash": "Hashes field elements with Poseidon2.",
    "Poseidon2Permutation": "Applies the permutation of Poseidon2 to its state of four elements.",
    "PedersenCommit": "Commits to field elements by a sum of generators of Grumpkin.",
    "PedersenCommit.hash_index": "Offset of the first generator.",
    "PedersenHash": "Hashes field elements with Pedersen's hash over Grumpkin.",
    "PedersenHash.hash_index": "Offset of the first generator.",
    "PedersenHashBuffer": "Hashes bytes with Pedersen's hash over Grumpkin.",
    "PedersenHashBuffer.hash_index": "Offset of the first generator.",
    "Blake2s": "Hashes bytes with BLAKE2s-256; answered in microseconds, so it also tells whether the process lives.",
    "Blake2sToField": "Hashes bytes with BLAKE2s-256 and reduces the digest, big-endian, to a scalar of BN254.",
    "AesEncrypt": "Encrypts with AES-128 in CBC mode, without padding.",
    "AesEncrypt.length": "Bytes of `plaintext`, a multiple of 16.",
    "AesDecrypt": "Decrypts AES-128 in CBC mode, without padding.",
    "AesDecrypt.length": "Bytes of `ciphertext`, a multiple of 16.",
}

_CURVES = {
    "GrumpkinMul": "Multiplies a point of Grumpkin; its scalars are base field elements of BN254.",
    "GrumpkinAdd": "Adds two points of Grumpkin.",
    "GrumpkinBatchMul": "Multiplies many points of Grumpkin by one scalar.",
    "GrumpkinGetRandomFr": "A random scalar of BN254.",
    "GrumpkinGetRandomFr.dummy": "Any value: the program wants a field.",
    "GrumpkinReduce512": "Reduces a number of 64 bytes, big-endian, modulo BN254's group order (measured).",
    "Secp256k1Mul": "Multiplies a point of secp256k1.",
    "Secp256k1GetRandomFr": "A random scalar of secp256k1.",
    "Secp256k1GetRandomFr.dummy": "Any value: the program wants a field.",
    "Secp256k1Reduce512": "Reduces a number of 64 bytes, big-endian, modulo secp256k1's group order.",
    "Bn254FrSqrt": "A square root in BN254's scalar field.",
    "Bn254FrSqrtResponse.is_square_root": "Whether there is one; `value` is zero if not.",
    "Bn254FqSqrt": "A square root in BN254's base field.",
    "Bn254FqSqrtResponse.is_square_root": "Whether there is one; `value` is zero if not.",
    "Bn254G1Mul": "Multiplies a point of BN254's first group.",
    "Bn254G2Mul": "Multiplies a point of BN254's second group.",
    "Bn254G1IsOnCurve": "Tells whether coordinates are a point of BN254's first group.",
    "Bn254G1FromCompressed": "Reads a compressed point of BN254's first group.",
}

_SIGNATURES = {
    "SchnorrComputePublicKey": "The public key of a Schnorr private key over Grumpkin.",
    "SchnorrConstructSignature": "Signs a field element with Schnorr over Grumpkin.",
    "SchnorrVerifySignature": "Verifies a Schnorr signature over Grumpkin.",
    "EcdsaSecp256k1ComputePublicKey": "The public key of an ECDSA private key over secp256k1.",
    "EcdsaSecp256r1ComputePublicKey": "The public key of an ECDSA private key over secp256r1.",
    "EcdsaSecp256k1ConstructSignature": "Signs the SHA-256 of a message with ECDSA over secp256k1.",
    "EcdsaSecp256k1ConstructSignatureResponse.v": "Recovery byte, 27 and up.",
    "EcdsaSecp256r1ConstructSignature": "Signs the SHA-256 of a message with ECDSA over secp256r1.",
    "EcdsaSecp256r1ConstructSignatureResponse.v": "Recovery byte, 27 and up.",
    "EcdsaSecp256k1RecoverPublicKey": "The public key that made an ECDSA signature over secp256k1.",
    "EcdsaSecp256r1RecoverPublicKey": "The public key that made an ECDSA signature over secp256r1.",
    "EcdsaSecp256k1VerifySignature": "Verifies an ECDSA signature of a message's SHA-256 over secp256k1.",
    "EcdsaSecp256r1VerifySignature": "Verifies an ECDSA signature of a message's SHA-256 over secp256r1.",
}

_PROCESS = {
    "SrsInitSrs": "Takes ceremony points, checks the first two, and ignores them: the native program reads files, see CRS_PATH.",
    "SrsInitSrs.g2_point": "128 bytes; only the ceremony's own is accepted.",
    "SrsInitGrumpkinSrs": "Takes Grumpkin points.",
    "SrsInitGrumpkinSrsResponse.dummy": "Means nothing.",
    "SetMsmLegacy": "Chooses the older multi-scalar multiplication; results do not depend on it.",
    "Shutdown": "Ends the process once this is answered, and removes its socket or rings.",
}

DOCS: Mapping[str, Mapping[str, str]] = {"Api": {**_TYPES, **_CIRCUITS, **_CHONK, **_HASHES, **_CURVES, **_SIGNATURES, **_PROCESS}}
"""By the name that a program gives its schema; `aztec-wsdb` has none here."""
