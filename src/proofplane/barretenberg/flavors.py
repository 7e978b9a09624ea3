"""The flavours of UltraHonk: which transcript, whether it hides the witness, and the sizes that follow from that.

Sizes and names as measured on and printed by `bb` 5.0.0; the names are those of its command line (`bb verify -t NAME`).
"""

from __future__ import annotations

from enum import Enum

from proofplane.barretenberg.generated.barretenberg import ProofSystemSettings


class Flavor(Enum):
    """A form of UltraHonk proofs; its value is the name on `bb`'s command line."""

    NOIR_RECURSIVE = "noir-recursive"
    """Poseidon2 transcript, zero knowledge: what a Noir circuit verifies cheaply."""
    NOIR_RECURSIVE_NO_ZK = "noir-recursive-no-zk"
    """The same without hiding the witness; smaller and faster."""
    EVM = "evm"
    """Keccak transcript, zero knowledge: what a Solidity contract verifies."""
    EVM_NO_ZK = "evm-no-zk"
    """The same without hiding the witness."""
    NOIR_ROLLUP = "noir-rollup"
    """As NOIR_RECURSIVE, and carries an IPA claim; proving and verifying need the Grumpkin points."""

    @property
    def keccak(self) -> bool:
        """Whether the transcript is Keccak's; otherwise it is Poseidon2's."""
        return self in (Flavor.EVM, Flavor.EVM_NO_ZK)

    @property
    def ipa(self) -> bool:
        """Whether proofs carry an IPA claim."""
        return self is Flavor.NOIR_ROLLUP

    @property
    def zero_knowledge(self) -> bool:
        """Whether a proof hides its witness."""
        return self not in (Flavor.NOIR_RECURSIVE_NO_ZK, Flavor.EVM_NO_ZK)

    @property
    def settings(self) -> ProofSystemSettings:
        """The same as `bb` takes it."""
        return ProofSystemSettings(
            ipa_accumulation=self.ipa,
            oracle_hash_type="keccak" if self.keccak else "poseidon2",
            disable_zk=not self.zero_knowledge,
            optimized_solidity_verifier=False,
        )

    @property
    def key_size(self) -> int:
        """Bytes of a verification key."""
        return 1888 if self.keccak else 3680

    @property
    def own_inputs(self) -> int:
        """Public inputs that every circuit of the flavour has besides its own; a key counts them, a caller never gives them."""
        return _PAIRING_POINTS + (_IPA_CLAIM if self.ipa else 0)

    def proof_size(self, log_size: int) -> int:
        """Field elements of a proof for a circuit of 2^`log_size` rows; with Poseidon2 the same for all."""
        constant, a_round = _PROOF_FIELDS[self]
        return constant + a_round * log_size


_PROOF_FIELDS = {
    Flavor.NOIR_RECURSIVE: (458, 0),
    Flavor.NOIR_RECURSIVE_NO_ZK: (410, 0),
    Flavor.EVM: (82, 12),
    Flavor.EVM_NO_ZK: (67, 11),
    Flavor.NOIR_ROLLUP: (480, 0),
}
"""Field elements of a proof: constant part, and more for each power of two of the circuit's size."""

_PAIRING_POINTS = 8
"""Public inputs of every circuit that carry what is left to check by a pairing."""

_IPA_CLAIM = 6
"""Public inputs of an IPA flavour's circuit that carry its claim; measured as 14 in all."""
