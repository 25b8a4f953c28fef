"""The evidence log: appends records, signs checkpoints, proves and audits, over one database connection."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from maturity import rotation
from maturity.checkpoint import Checkpoint
from maturity.errors import SignatureError, TamperedLogError
from maturity.merkle import Tree, leaf_hash
from maturity.notes import Note, PublicKey, SigningKey, note_of
from model.canonical import canonical_json
from store import evidence
from store.evidence import Entry
from store.pool import Connection

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True)
class Record:
    """What is to be entered: `object` names what it is about, within its site."""

    kind: str
    object: str
    content: Mapping[str, Any]


def entry(record: Record, site_id: int | None) -> Entry:
    """Write a record as the log keeps it."""
    text = canonical_json(record.content)
    return Entry(site_id, record.kind, record.object, leaf_hash(text), text.decode())


@dataclass
class EvidenceLog:
    """The log of a database; the tree is read once and grows with the log."""

    connection: Connection
    _tree: Tree = field(default_factory=Tree)

    def append(self, entries: Iterable[Entry]) -> range:
        """Append records in one transaction; they are taken as they are written.

        Returns:
            Their places.
        """
        with self._held():
            first = evidence.size(self.connection)
            return range(first, first + evidence.append(self.connection, first, entries))

    def tree(self) -> Tree:
        """The tree of all records that are committed now."""
        self._tree.extend(evidence.leaf_hashes(self.connection, self._tree.size))
        return self._tree

    def checkpoint(self, key: SigningKey) -> str:
        """Sign the log as it is now, as a note; an unchanged log keeps its checkpoint.

        Raises:
            SignatureError: another key signs this log; `rotate` announces a new one.
            TamperedLogError: the log has become shorter, or its records are not those of the last checkpoint.
        """
        with self._held():
            self._admit(key)
            tree, last = self.tree(), evidence.last_checkpoint(self.connection)
            if last and (last.tree_size > tree.size or tree.root(last.tree_size) != last.root):
                raise TamperedLogError(
                    "The log is not the one that was signed last; `haidang evidence audit` says more."
                )
            made = Checkpoint(key.name, tree.size, tree.root())
            line = key.sign_note(made.text)
            if last is None or last.tree_size < tree.size:
                evidence.insert_checkpoint(self.connection, made.size, made.origin, made.root)
            evidence.insert_signature(self.connection, made.size, str(key.public), line)
        return note_of(made.text, [line])

    def rotate(self, key: SigningKey, new: PublicKey) -> int:
        """Announce that another key signs from now on.

        Returns:
            The place of the announcement.
        """
        with self._held():
            self._admit(key)
            return self._announce(rotation.announcement(new, key))

    def countersign(self, note: Note, witness: PublicKey) -> Checkpoint:
        """Keep the signature of a witness over one of our checkpoints.

        Raises:
            SignatureError: the witness did not sign the note.
            TamperedLogError: the note is none of our checkpoints.
        """
        said = Checkpoint.parse(note.text)
        if witness not in note.signed_by([witness]):
            raise SignatureError(f"{witness.name} did not sign this checkpoint.")
        known = {each.tree_size: each for each in evidence.checkpoints(self.connection)}.get(said.size)
        if known is None or (known.origin, known.root) != (said.origin, said.root):
            raise TamperedLogError(f"The log has no such checkpoint of {said.size} records.")
        lines = [line.text for line in note.signatures if line.is_by(witness)]
        evidence.insert_signature(self.connection, said.size, str(witness), lines[0])
        return said

    def keys(self, pinned: PublicKey | None = None) -> list[rotation.KeyPeriod]:
        """The keys of the log, checked one against the other."""
        rows = evidence.records_of_log(self.connection, rotation.KIND)
        return rotation.key_periods(((seq, json.loads(record)) for seq, record in rows), pinned)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the log in one transaction; what was read in one that fails is forgotten."""
        try:
            with self.connection.transaction():
                evidence.lock_log(self.connection)
                yield
        except BaseException:
            self._tree = Tree()
            raise

    def _admit(self, key: SigningKey) -> None:
        periods = self.keys()
        if not periods:
            self._announce(rotation.announcement(key.public, None))
        elif periods[-1].key != key.public:
            raise SignatureError(
                f"The log is signed by {periods[-1].key.name} ({periods[-1].key.key_id.hex()}), not by "
                f"{key.name} ({key.public.key_id.hex()}); `haidang evidence key rotate` announces a new key."
            )

    def _announce(self, content: Mapping[str, Any]) -> int:
        record = Record(rotation.KIND, f"key/{content['key']}", content)
        return self.append([entry(record, None)]).start


def entries_that_are_new(records: Iterable[Record], site_id: int, connection: Connection) -> Iterator[Entry]:
    """Drop what the log says already: a record equal to the newest one of its object, whatever code entered that.

    Returns:
        The others, each made as it is taken: the server writes some while others are made.
    """
    wanted = list(records)
    known = evidence.newest_records(connection, site_id, [each.object for each in wanted])
    made = (entry(each, site_id) for each in wanted)
    return (each for each in made if not _says(known.get(each.object), each.record))


def _says(known: str | None, record: str) -> bool:
    """Tell whether a record that is in the log, if any, says what another one says."""
    return known is not None and (known == record or _without_code(known) == _without_code(record))


def _without_code(record: str) -> dict[str, msgspec.Raw]:
    """Members of a record as they are written: canonical ones say the same only where they are the same."""
    return {name: value for name, value in _members(record).items() if name != "code"}
