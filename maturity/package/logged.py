"""The part of the evidence log that a package holds: its records, and the proof that they are in the signed log.

A line of the records is a record as it was entered, byte by byte, so that SHA-256(0x00 ‖ line) is its leaf.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
import polars as pl

from maturity import rotation
from maturity.checkpoint import Checkpoint
from maturity.errors import PackageError, ProofError, SignatureError
from maturity.merkle import HASH_BYTES, leaf_hash, root_from_parts
from maturity.notes import Note, PublicKey
from maturity.package import layout
from maturity.package.compact import compact_schema, compacted
from maturity.package.content import Package

_OF_WINDOW = ("scope", "grain", "production_day", "shift", "job", "product")
_MOST_WAITING = 8 << 20  # bytes of records that are read together
_TEXTS = ("window_start", "window_end", "production_day")
_OF_VALUE = [name for name in layout.VALUES if name not in {*_OF_WINDOW, *_TEXTS, "computed_us"}]
_ROWS = pl.Schema({name: dtype for name, dtype in layout.VALUES.items() if name != "computed_us"})
_RECORD = pl.Schema(
    {
        **dict.fromkeys(("kind", "from", "to", *_OF_WINDOW), pl.String()),
        "values": pl.List(pl.Struct({name: layout.VALUES[name] for name in _OF_VALUE})),
    }
)


@dataclass(frozen=True)
class Proof:
    """Where the records lie in the log, and the hashes of everything beside them."""

    size: int
    places: tuple[int, ...]
    parts: Mapping[tuple[int, int], bytes]

    def plain(self) -> dict[str, Any]:
        """As it is written; hashes as hexadecimal."""
        parts = [[low, high, part.hex()] for (low, high), part in sorted(self.parts.items())]
        return {"size": self.size, "places": list(self.places), "parts": parts}

    @classmethod
    def parse(cls, said: Any) -> "Proof":
        """Read what `plain` gave.

        Raises:
            ProofError: it is none.
        """
        try:
            parts = {(int(low), int(high)): bytes.fromhex(part) for low, high, part in said["parts"]}
            found = cls(int(said["size"]), tuple(map(int, said["places"])), parts)
        except (ValueError, KeyError, TypeError) as error:
            raise ProofError(f"{layout.LOG_PROOF} is no proof.") from error
        if any(len(part) != HASH_BYTES for part in parts.values()):
            raise ProofError(f"{layout.LOG_PROOF} has a hash that has not 32 bytes.")
        return found


@dataclass
class Logged:
    """What the records say.

    Attributes:
        leaves: hash of each record by its place.
        keys: announcements of keys, with their places.
        raw: per production day what is recorded of each series' rows.
        context: per production day what is recorded of all else that it was computed from, where anything is.
        baselines: frozen baselines by what they measure, the newest record of each.
        values: KPI values (layout.VALUES without computed_us, compact).
    """

    leaves: dict[int, bytes] = field(default_factory=dict)
    keys: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    raw: dict[date, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    context: dict[date, Mapping[str, Any]] = field(default_factory=dict)
    baselines: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=compact_schema(_ROWS)))

    def forget(self) -> None:
        """Let go of what is needed only once: the hashes and the values."""
        self.leaves, self.values = {}, self.values.clear()


def announced_keys(package: Package) -> list[tuple[int, Mapping[str, Any]]]:
    """Announcements of keys among the records, before anything is trusted: they prove themselves.

    Raises:
        PackageError: the records are damaged.
    """
    proof = Proof.parse(package.json(layout.LOG_PROOF))
    lines = zip(proof.places, package.lines(layout.LOG_RECORDS), strict=False)
    return [(place, _record(line)) for place, line in lines if b'"kind":"key"' in line]


def read_log(package: Package) -> Logged:
    """Read all records.

    Raises:
        PackageError: a record is malformed, or there are not as many as the proof has places.
    """
    proof = Proof.parse(package.json(layout.LOG_PROOF))
    lines = sum(1 for _ in package.lines(layout.LOG_RECORDS))
    if not len(set(proof.places)) == len(proof.places) == lines:
        raise PackageError(f"{layout.LOG_RECORDS} has not as many records as {layout.LOG_PROOF} has places.")
    return logged_of(zip(proof.places, package.lines(layout.LOG_RECORDS), strict=True))


def logged_of(records: Iterable[tuple[int, bytes | str]]) -> Logged:
    """Understand records, each with its place.

    Raises:
        PackageError: one is malformed.
    """
    found = Logged()
    waiting: list[bytes] = []
    size = 0
    frames = [found.values]
    for place, text in records:
        line = text if isinstance(text, bytes) else text.encode()
        found.leaves[place] = leaf_hash(line)
        if b'"kind":"kpi"' in line:
            waiting.append(line)
            size += len(line)
        else:
            _take(found, place, _record(line))
        if size >= _MOST_WAITING:
            frames.append(_frame(waiting))
            waiting, size = [], 0
    found.values = pl.concat([*frames, _frame(waiting)])
    return found


def check_log(package: Package, logged: Logged, pinned: PublicKey) -> Checkpoint:
    """Check that the records are in the log of which the checkpoint is signed.

    Raises:
        ProofError: the records do not lead to the root.
        SignatureError: the checkpoint is not signed by the key in force.
    """
    proof = Proof.parse(package.json(layout.LOG_PROOF))
    note = Note.parse(package.read(layout.LOG_CHECKPOINT).decode(errors="replace"))
    said = Checkpoint.parse(note.text)
    if said.size != proof.size:
        raise ProofError(f"The checkpoint is of {said.size} records, the proof of {proof.size}.")
    key = rotation.key_in_force(rotation.key_periods(logged.keys, pinned), said.size)
    if key is None or not note.signed_by([key]):
        raise SignatureError("The checkpoint is not signed by the key that signs the log at its size.")
    if root_from_parts(logged.leaves, proof.parts, proof.size) != said.root:
        raise ProofError("The records are not those of the signed log: their hashes do not lead to its root.")
    return said


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PackageError(f"{layout.LOG_RECORDS} has a line that is no JSON.") from error
    if not isinstance(found, dict):
        raise PackageError(f"{layout.LOG_RECORDS} has a line that is no record.")
    return found


def _take(found: Logged, place: int, record: Mapping[str, Any]) -> None:
    """Put the announcement of a key and digests of raw rows where they belong; other records are only in the log."""
    try:
        if record["kind"] == rotation.KIND:
            found.keys.append((place, record))
        elif record["kind"] == "raw_day":
            series: dict[str, Mapping[str, Any]] = {
                each["key"]: {"rows": int(each["rows"]), **each} for each in record["series"]
            }
            day = date.fromisoformat(record["production_day"])
            found.raw[day] = series
            if "context" in record:
                found.context[day] = dict(record["context"])
        elif record["kind"] == "criterion_baseline":
            found.baselines[record["key"]] = record
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(f"Record {place} of the log is malformed.") from error


def _frame(lines: list[bytes]) -> pl.DataFrame:
    """KPI records as compact rows, one per value."""
    if not lines:
        return pl.DataFrame(schema=compact_schema(_ROWS))
    try:
        records = pl.read_ndjson(b"\n".join(lines), schema=_RECORD).filter(pl.col("kind") == "kpi")
        rows = records.rename({"from": "window_start", "to": "window_end"}).explode("values").unnest("values")
        at = [pl.col(name).str.to_datetime("%+", time_unit="us").dt.epoch("us") for name in _TEXTS[:2]]
        return compacted(rows.with_columns(*at, pl.col("production_day").str.to_date()).select(_ROWS.names()))
    except pl.exceptions.PolarsError as error:
        raise PackageError(f"{layout.LOG_RECORDS} has a KPI record that is malformed.") from error
