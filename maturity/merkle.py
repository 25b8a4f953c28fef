"""Merkle trees as RFC 9162 (section 2.1) defines them: leaf hashes in, roots and proofs out; pure.

A leaf is hashed as SHA-256(0x00 ‖ record), a node as SHA-256(0x01 ‖ left ‖ right); the left part of n leaves is the
largest power of two below n.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from maturity.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
Range = tuple[int, int]


def leaf_hash(record: bytes) -> bytes:
    """Hash a record as a leaf."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """Leaf hashes in order with the hashes of all complete subtrees: `levels[k][i]` covers 2^k leaves from i·2^k on."""

    levels: list[list[bytes]] = field(default_factory=lambda: [[]])

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> "Tree":
        """Build the tree of the leaf hashes."""
        made = cls()
        made.extend(leaves)
        return made

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes and the subtrees that they complete."""
        self.levels[0].extend(leaves)
        for level, below in enumerate(self.levels):
            if len(below) < 2:
                break
            if level + 1 == len(self.levels):
                self.levels.append([])
            above = self.levels[level + 1]
            fresh = below[2 * len(above) :]
            pairs = zip(fresh[0::2], fresh[1::2], strict=False)
            above.extend(sha256(b"\x01" + left + right).digest() for left, right in pairs)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.levels[0])

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves, of all without it."""
        wanted = self.size if size is None else size
        return self.subtree(0, wanted) if wanted else EMPTY_ROOT

    def subtree(self, low: int, high: int) -> bytes:
        """Hash over the leaves [low, high), a range that the tree's division knows."""
        width = high - low
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.levels[level][low >> level]
        middle = low + _left_width(width)
        return node_hash(self.subtree(low, middle), self.subtree(middle, high))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Audit path of the leaf at `index` (from 0) in the tree of the first `size` leaves.

        Raises:
            ProofError: there is no such leaf.
        """
        if not 0 <= index < size <= self.size:
            raise ProofError(f"There is no leaf {index} in a tree of {size} of {self.size} leaves.")
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _left_width(high - low)
            if index < middle:
                path.append(self.subtree(middle, high))
                high = middle
            else:
                path.append(self.subtree(low, middle))
                low = middle
        return path[::-1]

    def consistency_proof(self, earlier: int, later: int) -> list[bytes]:
        """Prove that the first `earlier` leaves are the beginning of the first `later` ones.

        Raises:
            ProofError: the sizes are none of this tree.
        """
        if not 0 < earlier <= later <= self.size:
            raise ProofError(f"There is no proof from {earlier} to {later} leaves in a tree of {self.size}.")
        return self._subproof(earlier, 0, later, whole=True)

    def _subproof(self, earlier: int, low: int, high: int, *, whole: bool) -> list[bytes]:
        if earlier == high:
            return [] if whole else [self.subtree(low, high)]
        middle = low + _left_width(high - low)
        if earlier <= middle:
            return [*self._subproof(earlier, low, middle, whole=whole), self.subtree(middle, high)]
        return [*self._subproof(earlier, middle, high, whole=False), self.subtree(low, middle)]

    def range_proof(self, indexes: Sequence[int], size: int) -> dict[Range, bytes]:
        """Give the subtrees that somebody who has only the leaves at `indexes` needs to compute the root."""
        given = sorted(set(indexes))
        if given and not 0 <= given[0] <= given[-1] < size <= self.size:
            raise ProofError(f"Not all leaves asked for are in a tree of {size} leaves.")
        needed: dict[Range, bytes] = {}
        self._missing(given, 0, size, needed)
        return needed

    def _missing(self, given: Sequence[int], low: int, high: int, needed: dict[Range, bytes]) -> None:
        if not given:
            if high > low:
                needed[low, high] = self.subtree(low, high)
        elif len(given) < high - low:
            middle = low + _left_width(high - low)
            left = [index for index in given if index < middle]
            self._missing(left, low, middle, needed)
            self._missing(given[len(left) :], middle, high, needed)


def root_from_parts(leaves: Mapping[int, bytes], parts: Mapping[Range, bytes], size: int) -> bytes:
    """Compute the root of a tree of `size` leaves from some leaf hashes and the subtrees beside them.

    Raises:
        ProofError: something is missing, or a leaf lies inside a subtree that is given whole.
    """
    ordered = sorted(leaves)
    if any(low <= index < high for low, high in parts for index in _between(ordered, low, high)):
        raise ProofError("A record of the proof lies in a part of the log that is given as a whole.")
    if ordered and not 0 <= ordered[0] <= ordered[-1] < size:
        raise ProofError(f"A record of the proof lies outside a log of {size} records.")
    return _from_parts(leaves, parts, 0, size) if size else EMPTY_ROOT


def _between(ordered: Sequence[int], low: int, high: int) -> Sequence[int]:
    return ordered[bisect_left(ordered, low) : bisect_left(ordered, high)]


def _from_parts(leaves: Mapping[int, bytes], parts: Mapping[Range, bytes], low: int, high: int) -> bytes:
    whole = parts.get((low, high))
    if whole is not None:
        return whole
    if high - low == 1:
        if low not in leaves:
            raise ProofError(f"The proof lacks record {low} of the log.")
        return leaves[low]
    middle = low + _left_width(high - low)
    return node_hash(_from_parts(leaves, parts, low, middle), _from_parts(leaves, parts, middle, high))


def verify_consistency(earlier: int, later: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]) -> None:
    """Check that a log of `later` records still begins with the `earlier` ones (RFC 9162, 2.1.4.2).

    Args:
        earlier: number of records of the first checkpoint, at least 1.
        later: number of records of the second.
        roots: the roots of both.
        proof: as `Tree.consistency_proof` gives it.

    Raises:
        ProofError: the log was rewritten, or the proof is of other sizes.
    """
    if not 0 < earlier <= later:
        raise ProofError(f"A log does not go from {earlier} to {later} records.")
    if earlier == later:
        if proof or roots[0] != roots[1]:
            raise ProofError("Two checkpoints of the same size have different roots.")
        return
    path = list(proof) if earlier & (earlier - 1) else [roots[0], *proof]
    if not path:
        raise ProofError("The consistency proof is empty.")
    if _consistent_roots(earlier - 1, later - 1, path) != roots:
        raise ProofError(
            f"The log of {later} records does not begin with the {earlier} records of the first checkpoint."
        )


def _consistent_roots(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while first & 1:
        first, second = first >> 1, second >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if second == 0:
            raise ProofError("The consistency proof is too long.")
        if first & 1 or first == second:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            new = node_hash(new, sibling)
        first, second = first >> 1, second >> 1
    if second:
        raise ProofError("The consistency proof is too short.")
    return old, new


def _left_width(width: int) -> int:
    """Largest power of two below a width of at least 2."""
    return 1 << (width - 1).bit_length() - 1
