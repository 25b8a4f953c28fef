"""Re-checks a whole evidence log: records against leaves and what they are filed under, checkpoints against records,
and every signature.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from maturity.checkpoint import Checkpoint
from maturity.errors import KeyFileError, ProofError, SignatureError
from maturity.filing import is_filed_rightly
from maturity.merkle import Tree, leaf_hash
from maturity.notes import Note, PublicKey, note_of
from maturity.rotation import KIND, KeyPeriod, key_in_force, key_periods
from store.evidence import Filed, StoredCheckpoint

MOST_FINDINGS = 100
_KEY = f'"kind":"{KIND}"'


@dataclass(frozen=True)
class Audit:
    """What an audit saw: sizes, the newest signed size, who signed it, and every fault as a sentence."""

    records: int
    checkpoints: int
    signed: int
    keys: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def audit(
    rows: Iterable[Filed],
    checkpoints: list[StoredCheckpoint],
    pinned: PublicKey | None = None,
    published: Iterable[str] = (),
) -> Audit:
    """Re-check a log.

    Args:
        rows: everything, in order (`store.evidence.entries`).
        checkpoints: all, with their signature lines, oldest first.
        pinned: the key that the log must be signed by, or announce; without it, the log's own first key.
        published: signed notes of checkpoints that others kept: what the log has lost since then shows by them alone.
    """
    findings: list[str] = []
    announced: list[tuple[int, str]] = []
    leaves: list[bytes] = []
    for place, leaf, record, kind, object_, site in rows:
        if place != len(leaves):
            findings.append(f"Records {len(leaves)} to {place - 1} are missing.")
            break
        made = leaf_hash(record.encode())
        if made != leaf:
            findings.append(
                f"Record {place} was changed: its hash is not the one it was entered with ({_about(record)})."
            )
        elif not is_filed_rightly(record, kind, object_, site):
            findings.append(
                f"Record {place} was moved: it is filed as {object_!r} ({kind}) of {site or 'no site'}, "
                "which is not what its text says."
            )
        if _KEY in record:
            announced.append((place, record))
        leaves.append(made)
    periods = _periods(announced, pinned, findings)
    tree = Tree.of(leaves)
    good = 0
    for each in checkpoints:
        found = [*_of_root(each, tree, good), *_of_signatures(each, periods)]
        findings += found
        good = good if found else each.tree_size
    for note in published:
        findings += _of_published(note, tree, periods)
    return Audit(
        records=len(leaves),
        checkpoints=len(checkpoints),
        signed=good,
        keys=tuple(str(period.key) for period in periods),
        findings=tuple(findings[:MOST_FINDINGS]),
    )


def _periods(announced: list[tuple[int, str]], pinned: PublicKey | None, findings: list[str]) -> list[KeyPeriod]:
    try:
        records = ((place, _plain(record)) for place, record in announced)
        return key_periods([(place, record) for place, record in records if record.get("kind") == KIND], pinned)
    except SignatureError as error:
        findings.append(str(error))
        return []


def _plain(record: str) -> dict[str, Any]:
    """A record that somebody changed may be anything; what it is not is said where its hash is looked at."""
    try:
        found = json.loads(record)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_root(checkpoint: StoredCheckpoint, tree: Tree, good: int) -> Iterator[str]:
    if checkpoint.tree_size > tree.size:
        yield f"The checkpoint of {checkpoint.tree_size} records speaks of more than the {tree.size} that are there."
    elif tree.root(checkpoint.tree_size) != checkpoint.root:
        yield (
            f"The records {good} to {checkpoint.tree_size - 1} are not those of the checkpoint of "
            f"{checkpoint.tree_size} records ({checkpoint.created_at:%Y-%m-%d %H:%M} UTC)."
        )


def _of_signatures(checkpoint: StoredCheckpoint, periods: list[KeyPeriod]) -> Iterator[str]:
    said = Checkpoint(checkpoint.origin, checkpoint.tree_size, checkpoint.root)
    key = key_in_force(periods, said.size)
    if key is None:
        yield f"No key is announced for the checkpoint of {said.size} records."
        return
    try:
        note = Note.parse(note_of(said.text, checkpoint.lines))
        if not note.signed_by([key]):
            yield f"The checkpoint of {said.size} records is not signed by {key.name}, whose key was in force."
        yield from _of_others(said, note, [each for each in checkpoint.keys if each != str(key)])
    except SignatureError as error:
        yield f"The checkpoint of {said.size} records: {error}"


def _of_others(said: Checkpoint, note: Note, keys: list[str]) -> Iterator[str]:
    """Witnesses' signatures: each must be of the key that it is kept under."""
    for text in keys:
        try:
            is_there = bool(note.signed_by([PublicKey.parse(text)]))
        except (SignatureError, KeyFileError) as error:
            yield f"The checkpoint of {said.size} records, a signature kept under {text[:150]!r}: {error}"
        else:
            if not is_there:
                yield f"The checkpoint of {said.size} records lacks the signature that is kept under {text[:150]!r}."


def _of_published(text: str, tree: Tree, periods: list[KeyPeriod]) -> Iterator[str]:
    """Hold the log to a checkpoint that somebody kept elsewhere."""
    try:
        note = Note.parse(text)
        said = Checkpoint.parse(note.text)
        is_signed = bool(note.signed_by([period.key for period in periods]))
    except (SignatureError, ProofError) as error:
        yield f"The kept checkpoint cannot be used: {error}"
        return
    unsigned = "" if is_signed else " It is signed by no key of this log: it may be of another one."
    if said.size > tree.size:
        yield f"The log lost records: a kept checkpoint speaks of {said.size}, {tree.size} are there.{unsigned}"
    elif tree.root(said.size) != said.root:
        yield f"The first {said.size} records are not those of a kept checkpoint.{unsigned}"
    elif unsigned:
        yield f"A kept checkpoint of {said.size} records cannot be relied on.{unsigned}"


def _about(record: str) -> str:
    return record[:80] + ("…" if len(record) > len("…") + 80 else "")
