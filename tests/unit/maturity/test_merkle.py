"""Our Merkle tree against RFC 9162's own definition, written down here once more, and against another library."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from maturity.errors import ProofError
from maturity.merkle import EMPTY_ROOT, Tree, leaf_hash, root_from_parts, verify_consistency
from tests.support.inclusion import root_from_inclusion


def records(count: int) -> list[bytes]:
    return [f"record {index}".encode() for index in range(count)]


def tree(count: int) -> Tree:
    return Tree.of(map(leaf_hash, records(count)))


def defined(data: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return sha256(b"\x01" + defined(data[:k]) + defined(data[k:])).digest()


@pytest.mark.parametrize("count", [*range(18), 31, 32, 33, 100])
def test_roots_are_those_of_the_definition(count: int) -> None:
    assert tree(100).root(count) == defined(records(count))
    assert tree(count).root() == defined(records(count))


def test_roots_are_those_of_another_library() -> None:
    other = InmemoryTree(algorithm="sha256")
    for count, record in enumerate(records(40), start=1):
        other.append_entry(record)
        assert tree(40).root(count) == other.get_root(count)


@given(st.lists(st.integers(0, 9), max_size=12))
def test_a_tree_grows_as_if_made_at_once(steps: list[int]) -> None:
    grown, leaves = Tree(), [leaf_hash(each) for each in records(sum(steps))]
    for step in steps:
        grown.extend(leaves[grown.size : grown.size + step])
    assert grown.levels == Tree.of(leaves).levels


def test_an_empty_log_has_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == sha256(b"").digest()


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    made = tree(70)
    index = data.draw(st.integers(0, size - 1))
    path = made.inclusion_proof(index, size)
    leaf = leaf_hash(records(70)[index])
    assert root_from_inclusion(leaf, index, size, path) == made.root(size)
    assert root_from_inclusion(leaf_hash(b"other"), index, size, path) != made.root(size)


@given(st.integers(1, 70), st.data())
def test_a_damaged_inclusion_proof_is_no_proof(size: int, data: st.DataObject) -> None:
    made = tree(70)
    index = data.draw(st.integers(0, size - 1))
    path = [*made.inclusion_proof(index, size), bytes(32)]
    with pytest.raises(ProofError):
        root_from_inclusion(leaf_hash(records(70)[index]), index, size, path)


@given(st.integers(1, 70), st.integers(1, 70))
def test_a_longer_log_is_shown_to_begin_with_the_shorter(one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    made = tree(70)
    proof = made.consistency_proof(earlier, later)
    verify_consistency(earlier, later, (made.root(earlier), made.root(later)), proof)
    with pytest.raises(ProofError):
        verify_consistency(earlier, later, (sha256(b"x").digest(), made.root(later)), proof)
    with pytest.raises(ProofError):
        verify_consistency(earlier, later, (made.root(earlier), made.root(later)), [*proof, bytes(32)])


def test_a_rewritten_log_is_not_consistent() -> None:
    changed = records(9)
    changed[2] = b"another record"
    forged = Tree.of(map(leaf_hash, changed))
    with pytest.raises(ProofError, match="does not begin with"):
        verify_consistency(5, 9, (tree(9).root(5), forged.root(9)), forged.consistency_proof(5, 9))


@given(st.integers(1, 70), st.data())
def test_some_records_and_the_parts_beside_them_give_the_root(size: int, data: st.DataObject) -> None:
    made, all_records = tree(70), records(70)
    chosen = data.draw(st.sets(st.integers(0, size - 1)))
    parts = made.range_proof(sorted(chosen), size)
    leaves = {index: leaf_hash(all_records[index]) for index in chosen}
    assert root_from_parts(leaves, parts, size) == made.root(size)
    for index in chosen:
        assert root_from_parts({**leaves, index: leaf_hash(b"other")}, parts, size) != made.root(size)
        with pytest.raises(ProofError, match="lacks record"):
            root_from_parts({each: leaf for each, leaf in leaves.items() if each != index}, parts, size)


def test_a_part_that_swallows_a_record_is_refused() -> None:
    made = tree(8)
    with pytest.raises(ProofError, match="given as a whole"):
        root_from_parts({1: leaf_hash(b"forged")}, {(0, 8): made.root()}, 8)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    with pytest.raises(ProofError):
        tree(4).inclusion_proof(4, 4)
    with pytest.raises(ProofError):
        tree(4).consistency_proof(0, 4)
    with pytest.raises(ProofError):
        tree(4).range_proof([5], 4)
