"""Unit tests of `proofplane.crypto.mmr` against a naive recursion."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.crypto.merkle import InvalidMerkleProof
from proofplane.crypto.mmr import MAX_ENTRIES, LeafOutOfRange, MalformedMmr, Mmr, join, proof

TAG = sha256(b"node").digest()


def leaf(index: int) -> bytes:
    return sha256(index.to_bytes(8, "little")).digest()


def naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return sha256(TAG + TAG + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def naive_peaks(leaves: list[bytes]) -> tuple[bytes, ...]:
    """Cuts the largest perfect tree off the front, again and again."""
    peaks: list[bytes] = []
    while leaves:
        size = 1 << len(leaves).bit_length() - 1
        peaks.insert(0, naive_root(leaves[:size]))
        leaves = leaves[size:]
    return tuple(peaks)


LEAVES = [leaf(i) for i in range(70)]


@pytest.mark.checklist(40)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_appending_one_by_one_gives_the_naive_peaks(leaves: list[bytes]) -> None:
    assert Mmr.from_leaves(leaves) == Mmr(len(leaves), naive_peaks(leaves))


def test_seven_leaves_stand_under_three_peaks_lowest_first() -> None:
    low, middle, high = Mmr.from_leaves(LEAVES[:7]).peaks
    assert low == LEAVES[6]
    assert middle == join(LEAVES[4], LEAVES[5])
    assert high == join(join(LEAVES[0], LEAVES[1]), join(LEAVES[2], LEAVES[3]))


def test_a_value_does_not_change_when_a_leaf_is_appended() -> None:
    before = Mmr.from_leaves(LEAVES[:3])
    assert before.append(LEAVES[3]).entries == 4
    assert before == Mmr.from_leaves(LEAVES[:3])


@given(st.integers(1, 70), st.data())
def test_every_leaf_of_every_snapshot_is_provable(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    mmr = Mmr.from_leaves(LEAVES[:count])
    siblings = proof(LEAVES, count, index)
    assert siblings == proof(LEAVES.__getitem__, count, index)
    mmr.verify(LEAVES[index], index, siblings)


@given(st.integers(1, 70), st.data())
def test_a_proof_holds_at_no_other_index_and_for_no_other_leaf(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    mmr, siblings = Mmr.from_leaves(LEAVES[:count]), proof(LEAVES, count, index)
    for other in range(-count, 2 * count + 2):
        if other != index:
            with pytest.raises(InvalidMerkleProof):
                mmr.verify(LEAVES[index], other, siblings)
    with pytest.raises(InvalidMerkleProof):
        mmr.verify(leaf(999), index, siblings)


@given(st.integers(2, 70), st.data())
def test_a_changed_missing_or_added_sibling_is_refused(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    mmr, siblings = Mmr.from_leaves(LEAVES[:count]), proof(LEAVES, count, index)
    with pytest.raises(InvalidMerkleProof):
        mmr.verify(LEAVES[index], index, (*siblings, bytes(32)))
    for place in range(len(siblings)):
        with pytest.raises(InvalidMerkleProof):
            mmr.verify(LEAVES[index], index, (*siblings[:place], bytes(32), *siblings[place + 1 :]))
        with pytest.raises(InvalidMerkleProof):
            mmr.verify(LEAVES[index], index, siblings[:place])


def test_an_inner_node_is_no_leaf_at_any_index() -> None:
    mmr = Mmr.from_leaves(LEAVES[:4])
    node, uncle = join(LEAVES[0], LEAVES[1]), join(LEAVES[2], LEAVES[3])
    for index in range(4):
        with pytest.raises(InvalidMerkleProof):
            mmr.verify(node, index, (uncle,))


def test_nodes_cut_elsewhere_are_refused_though_their_hashes_agree() -> None:
    mmr = Mmr.from_leaves(LEAVES[:2])
    with pytest.raises(InvalidMerkleProof, match="32 bytes"):
        mmr.verify(LEAVES[0] + LEAVES[1][:1], 0, (LEAVES[1][1:],))


def test_a_proof_reads_only_leaves_under_its_own_peak() -> None:
    read: list[int] = []

    def leaf_at(index: int) -> bytes:
        read.append(index)
        return LEAVES[index]

    proof(leaf_at, 13, 9)
    assert sorted(read) == [8, 10, 11]


@pytest.mark.parametrize(("count", "index"), [(0, 0), (3, 3), (3, -1)])
def test_no_proof_is_built_for_a_leaf_outside_the_snapshot(count: int, index: int) -> None:
    with pytest.raises(LeafOutOfRange):
        proof(LEAVES, count, index)


def test_what_the_source_of_leaves_raises_passes_through() -> None:
    with pytest.raises(IndexError):
        proof(LEAVES[:2], 4, 0)


@pytest.mark.parametrize(
    ("entries", "peaks"), [(-1, ()), (0, (bytes(32),)), (3, (bytes(32),)), (1, (bytes(31),)), (MAX_ENTRIES + 1, (bytes(32),))]
)
def test_counts_and_peaks_that_do_not_agree_are_refused(entries: int, peaks: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedMmr):
        Mmr(entries, peaks)


def test_a_full_range_and_a_short_leaf_are_refused() -> None:
    with pytest.raises(MalformedMmr):
        Mmr(MAX_ENTRIES, (bytes(32),) * 64).append(bytes(32))
    with pytest.raises(MalformedMmr):
        Mmr().append(bytes(31))
