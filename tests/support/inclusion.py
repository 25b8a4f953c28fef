"""Checks an audit path of the evidence log as a reader of RFC 9162 would, who has nothing of ours but the hashes."""

from collections.abc import Sequence

from maturity.errors import ProofError
from maturity.merkle import node_hash


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Root that an audit path leads to (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: the path does not fit the index and the size.
    """
    if not 0 <= index < size:
        raise ProofError(f"There is no leaf {index} in a tree of {size} leaves.")
    first, second, found = index, size - 1, leaf
    for sibling in path:
        if second == 0:
            raise ProofError("The inclusion proof is too long.")
        if first & 1 or first == second:
            found = node_hash(sibling, found)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            found = node_hash(found, sibling)
        first, second = first >> 1, second >> 1
    if second:
        raise ProofError("The inclusion proof is too short.")
    return found
