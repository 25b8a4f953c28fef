"""Compares what is stored with what was sent, key by key, in SQL; and the accounts with both.

In: the load, the ranges of numbers of each phase, the refusals to expect. Out: what is lost and doubled by phase, and a
sentence for each account that is off.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import ClientCursor

from model.ledger import MESSAGE_ACCOUNT, VALUE_ACCOUNT
from pilot.faults import loose
from pilot.faults.feed import Refusal
from pilot.faults.load import DEVICE_FACTOR, JOB_EVERY, SITE, Load, asset, symbols
from pilot.faults.loose import Loose, Strewn
from store.pool import Connection, connect
from store.queries import load as load_queries

_SQL = load_queries("faults")
_TOTALS = (*MESSAGE_ACCOUNT, *VALUE_ACCOUNT, "missing_seq")
SHOWN_DEVICES = 3
NOWHERE = -1  # the phase of what belongs to none


@dataclass(frozen=True)
class Span:
    """The numbers of a device that were sent in a phase: from the first to before the last."""

    phase: int
    device: int
    first: int
    end: int


@dataclass(frozen=True)
class Sent:
    """Everything that was sent. `unsure` are keys of messages without a PUBACK: stored or not, both are right."""

    load: Load
    spans: Sequence[Span]
    refusals: Sequence[tuple[int, Refusal]]  # with the phase
    unsure: Sequence[tuple[int, int, str]] = ()
    loose: Sequence[Loose] = ()  # Sparkplug


@dataclass
class Found:
    """By phase: values lost, messages that lost one, refused messages that are not kept, what is too much."""

    lost_values: Counter[int] = field(default_factory=Counter)
    lost_messages: Counter[int] = field(default_factory=Counter)
    lost_refusals: Counter[int] = field(default_factory=Counter)
    doubled: Counter[int] = field(default_factory=Counter)
    strewn: Strewn = field(default_factory=Strewn)  # of the messages that may be refused for now


def compare(url: str, sent: Sent) -> Found:
    """Compare readings, events and refused messages with what was sent."""
    found = Found()
    with connect(url, "faults") as connection:
        _prepare(connection, sent)
        _add_stored(found, connection, "reading_difference", _reading_parameters(sent.load))
        events = {"start_ms": sent.load.start_ms, "job_every": JOB_EVERY}
        _add_stored(found, connection, "event_difference", events)
        unsure = set(sent.unsure)
        loose.prepare(connection, loose_of(sent))
        expected = [(phase, one) for phase, one in sent.refusals if one.key not in unsure and one.late is None]
        parameters = {
            "phases": [phase for phase, _ in expected],
            "digests": [one.digest for _, one in expected],
            "wholes": [one.whole for _, one in expected],
            "unsure": [one.digest for _, one in sent.refusals if one.key in unsure],
        }
        for phase, missing, surplus in connection.execute(_SQL["refusal_difference"], parameters):
            found.lost_refusals[phase] += missing
            found.doubled[phase] += surplus
        found.strewn = loose.compare(connection)
    return found


def loose_of(sent: Sent) -> list[Loose]:
    """All messages that may be refused for now: of Sparkplug, and for sites that are known late."""
    unsure = set(sent.unsure)
    late = [Loose(phase, one.late, one.key in unsure) for phase, one in sent.refusals if one.late is not None]
    return [*sent.loose, *late]


def account_problems(url: str, sent: Sent) -> list[str]:
    """A sentence for each account that does not add up or is not what the tables hold."""
    with connect(url, "faults") as connection:
        _prepare(connection, sent)
        row = connection.execute(_SQL["unbalanced"]).fetchone()
        uneven = [f"{row[0]} accounts of a device and hour do not add up"] if row and row[0] else []
        different = connection.execute(_SQL["account_difference"]).fetchall()
        uneven += loose.replay_problems(connection)[1]
    for device, counted, there, conflicts, missing in different[:SHOWN_DEVICES]:
        uneven.append(
            f"device {device}: the ledger says {counted:,} values stored, {there:,} are; "
            f"{conflicts:,} conflicts; {missing:,} numbers missing"
        )
    if len(different) > SHOWN_DEVICES:
        uneven.append(f"and so on: {len(different)} devices in all")
    return uneven


def replays_stored(url: str) -> int:
    """How many refused messages a replay stored."""
    with connect(url, "faults") as connection:
        return loose.replay_problems(connection)[0]


def totals(url: str) -> dict[str, int]:
    """Both accounts of the whole run."""
    with connect(url, "faults") as connection:
        row = connection.execute(_SQL["totals"]).fetchone()
    return dict(zip(_TOTALS, row or (), strict=True))


def _prepare(connection: Connection, sent: Sent) -> None:
    numbered = [(device, number) for device, number, kind in sent.unsure if not kind]
    ClientCursor(connection).execute(
        _SQL["prepare_truth"],
        {
            "phases": [span.phase for span in sent.spans],
            "devices": [span.device for span in sent.spans],
            "froms": [span.first for span in sent.spans],
            "untils": [span.end for span in sent.spans],
            "unsure_devices": [device for device, _ in numbered],
            "unsure_numbers": [number for _, number in numbered],
            "assets": [asset(device) for device in range(sent.load.devices)],
            "site": SITE,
        },
    )


def _reading_parameters(load: Load) -> dict[str, Any]:
    return {
        "start_ms": load.start_ms,
        "names": load.names,
        "symbols": symbols(),
        "factor": DEVICE_FACTOR,
        "site": SITE,
    }


def _add_stored(found: Found, connection: Connection, query: str, parameters: dict[str, Any]) -> None:
    for phase, lost, messages, surplus in connection.execute(_SQL[query], parameters):
        found.lost_values[phase] += lost
        found.lost_messages[phase] += messages
        found.doubled[phase] += surplus
