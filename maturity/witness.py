"""Proofs that travel as JSON, and the witness: an outsider who signs a log's checkpoints as long as it only grows."""

import json
from dataclasses import dataclass
from typing import Any

from maturity.checkpoint import Checkpoint
from maturity.errors import ProofError, SignatureError
from maturity.merkle import HASH_BYTES, Tree, verify_consistency
from maturity.notes import Note, PublicKey, SigningKey, note_of


@dataclass(frozen=True)
class Inclusion:
    """Audit path of a record (from 0) in a log of so many records."""

    record: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]

    @classmethod
    def of(cls, tree: Tree, record: int, size: int) -> "Inclusion":
        """Prove that a record is in the log."""
        path = tree.inclusion_proof(record, size)
        return cls(record, size, tree.subtree(record, record + 1), tuple(path))

    def to_json(self) -> str:
        """Write it for others; hashes as hexadecimal."""
        path = [each.hex() for each in self.path]
        return json.dumps({"record": self.record, "size": self.size, "leaf_hash": self.leaf.hex(), "path": path})


@dataclass(frozen=True)
class Consistency:
    """Proof that a log still begins with its first records."""

    earlier: int
    later: int
    path: tuple[bytes, ...]

    @classmethod
    def of(cls, tree: Tree, earlier: int, later: int) -> "Consistency":
        """Prove that the log only grew."""
        return cls(earlier, later, tuple(tree.consistency_proof(earlier, later)))

    def to_json(self) -> str:
        """Write it for others; hashes as hexadecimal."""
        return json.dumps({"earlier": self.earlier, "later": self.later, "path": [each.hex() for each in self.path]})

    @classmethod
    def parse(cls, text: str) -> "Consistency":
        """Read what `to_json` wrote.

        Raises:
            ProofError: it is no such proof.
        """
        try:
            given: dict[str, Any] = json.loads(text)
            path = tuple(bytes.fromhex(each) for each in given["path"])
            found = cls(int(given["earlier"]), int(given["later"]), path)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ProofError("This is no consistency proof: earlier, later, and a path of hashes.") from error
        if any(len(each) != HASH_BYTES for each in found.path):
            raise ProofError("A hash of the consistency proof has not 32 bytes.")
        return found


def cosign(
    note: Note, log: PublicKey, key: SigningKey, before: Note | None = None, proof: Consistency | None = None
) -> str:
    """Add the signature of a witness to a checkpoint.

    Args:
        note: the checkpoint, signed by the log.
        log: the key of the log.
        key: the witness's own key.
        before: the checkpoint that the witness signed last, null only for the first one.
        proof: that the log of `note` begins with the log of `before`.

    Raises:
        SignatureError: the checkpoint is not signed by the log, or the earlier one not by this witness.
        ProofError: the log did not only grow, or no proof was given that it did.
    """
    now = _signed(note, log, "The checkpoint")
    if before is not None:
        then = _signed(before, key.public, "The earlier checkpoint")
        if then.origin != now.origin:
            raise ProofError(f"The earlier checkpoint is of another log: {then.origin}.")
        path = _path(proof, then.size, now.size)
        verify_consistency(then.size, now.size, (then.root, now.root), path)
    lines = [line.text for line in note.signatures if not line.is_by(key.public)]
    return note_of(note.text, [*lines, key.sign_note(note.text)])


def _signed(note: Note, key: PublicKey, what: str) -> Checkpoint:
    if not note.signed_by([key]):
        raise SignatureError(f"{what} is not signed by {key.name}.")
    return Checkpoint.parse(note.text)


def _path(proof: Consistency | None, earlier: int, later: int) -> tuple[bytes, ...]:
    if proof is None and earlier != later:
        raise ProofError("A proof is missing that the log only grew: `haidang evidence prove --since` prints it.")
    if proof is None:
        return ()
    if (proof.earlier, proof.later) != (earlier, later):
        raise ProofError(f"The proof goes from {proof.earlier} to {proof.later} records, not {earlier} to {later}.")
    return proof.path
