"""Compares messages that may be refused for now (Sparkplug, sites known late) with what is stored, value by value.

In: records with their phases. Out: by phase what is kept as refused, lost, misplaced and too much; and whether replays
were carried out once each.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from psycopg import ClientCursor

from model.vocabulary import Quality
from pilot.faults.load import SITE, symbols
from pilot.faults.record import PLACES, SPEAKERS, Record, asset_key, names
from store.pool import Connection
from store.queries import load as load_queries

_SQL = load_queries("faults")


class Loose(NamedTuple):
    """A message of a phase; one that is unsure was never acknowledged: stored or not, both are right."""

    phase: int
    record: Record
    is_unsure: bool = False


@dataclass
class Strewn:
    """By phase: messages kept as refused, messages and values lost, values of another series, values too many."""

    refused: Counter[int] = field(default_factory=Counter)
    lost_messages: Counter[int] = field(default_factory=Counter)
    lost_values: Counter[int] = field(default_factory=Counter)
    misplaced: Counter[int] = field(default_factory=Counter)
    doubled: Counter[int] = field(default_factory=Counter)


def prepare(connection: Connection, sent: Sequence[Loose]) -> None:
    """Take the messages into temporary tables."""
    connection.execute(_SQL["prepare_loose"])
    records = [one.record for one in sent]
    connection.execute(
        _SQL["add_loose"],
        {
            "phases": [one.phase for one in sent],
            "speakers": [record.speaker for record in records],
            "numbers": [record.number for record in records],
            "times": [record.ts_ms for record in records],
            "masks": [record.mask for record in records],
            "qualities": [record.quality for record in records],
            "digests": [record.digest for record in records],
            "unsure": [one.is_unsure for one in sent],
        },
    )
    speakers = sorted({record.speaker for record in records})
    places = {
        "speakers": speakers,
        "sites": [asset_key(speaker)[0] for speaker in speakers],
        "assets": [asset_key(speaker)[1] for speaker in speakers],
        "names": names(),
    }
    ClientCursor(connection).execute(_SQL["add_places"], places)


def compare(connection: Connection) -> Strewn:
    """Compare what was taken in with what is stored."""
    parameters = {
        "site": SITE,
        "symbols": symbols(),
        "most_speakers": SPEAKERS,
        "most_places": PLACES,
        "no_signal": int(Quality.NO_SIGNAL),
    }
    ClientCursor(connection).execute(_SQL["loose_difference"], parameters)
    found = Strewn()
    counters = (found.refused, found.lost_messages, found.lost_values, found.misplaced, found.doubled)
    for phase, *counts in connection.execute(_SQL["loose_found"]):
        for counter, count in zip(counters, counts, strict=True):
            counter[phase] += count
    return found


def still_open(connection: Connection, records: Sequence[Record]) -> int:
    """How many messages are neither stored nor kept as refused, and replays not carried out."""
    places = [asset_key(record.speaker) for record in records]
    parameters = {
        "sites": [site for site, _ in places],
        "assets": [asset for _, asset in places],
        "times": [record.ts_ms for record in records],
        "counts": [record.mask.bit_count() for record in records],
        "digests": [record.digest for record in records],
    }
    row = connection.execute(_SQL["loose_open"], parameters).fetchone()
    return sum(row) if row else 0


def replay_problems(connection: Connection) -> tuple[int, list[str]]:
    """How many messages replays stored, and what is off with replays."""
    row = connection.execute(_SQL["replays"]).fetchone()
    carried_out, counted, waiting, settled = row or (0, 0, 0, 0)
    problems = []
    if carried_out != counted:
        problems.append(f"{carried_out:,} replays were carried out, the ledger counts {counted:,}")
    if waiting:
        problems.append(f"{waiting:,} replays were not carried out")
    return settled, problems
