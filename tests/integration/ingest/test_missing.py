"""Missing sequence numbers: the same whatever worker has what, in whatever order, however often, however late."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.account import ledger_rows
from ingest.decode.result import Decoded
from ingest.limits import HOUR_US
from ingest.message import Message
from ingest.seqs import seq_runs
from ingest.writer import run_row
from model.instants import instant
from store import raw
from store.pool import Connection, connect
from tests.support.database import Databases
from tests.unit.ingest.builders import known_source

pytestmark = pytest.mark.needs_database

DEVICES = itertools.count(1)
START_US = 1_795_334_400_000_000  # the beginning of an hour


@dataclass(frozen=True)
class Sent:
    """A numbered message of a device; `epoch` is which start of its counter it belongs to."""

    epoch: int
    number: int
    us: int


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.clone() as database, connect(database.url, autocommit=True) as connection:
        yield connection


def sent_by_a_device(dice: random.Random, epochs: int) -> list[Sent]:
    """Numbers that go up, times a little out of order; between two starts the device needs some seconds."""
    us, sent = START_US, []
    for epoch in range(epochs):
        step_us = dice.choice([2_000, 100_000, 3_000_000])
        first = dice.choice([0, 1] if epoch else [0, 1, 5_000])
        for number in range(first, first + dice.randrange(60, 200)):
            sent.append(Sent(epoch, number, us + dice.randrange(step_us // 2)))
            us += step_us
        us += 5_000_000
    return sent


def missing_of(received: list[Sent]) -> int:
    """The truth: numbers between the lowest and the highest of each start that nobody received."""
    by_epoch: dict[int, set[int]] = {}
    for one in received:
        by_epoch.setdefault(one.epoch, set()).add(one.number)
    return sum(max(found) - min(found) + 1 - len(found) for found in by_epoch.values())


def batches_of(dice: random.Random, received: list[Sent], device: int) -> list[list[Message]]:
    """Some come twice; each goes to one of several workers, which make batches; all of it in nearly any order."""
    source = known_source(device_id=device)
    twice = [(one, True) for one in received if dice.random() < 0.2]
    workers: list[list[Message]] = [[] for _ in range(dice.randrange(1, 5))]
    for one, dup in [*((one, False) for one in received), *twice]:
        receipt = one.us + dice.choice([0, 0, 0, 2 * HOUR_US])
        message = Message(source, b"", receipt, Decoded(seq=(one.number,), seq_us=(one.us,)), dup)
        dice.choice(workers).append(message)
    batches = []
    for messages in workers:
        size = dice.choice([3, 7, 40, 1000])
        batches += [messages[at : at + size] for at in range(0, len(messages), size)]
    dice.shuffle(batches)
    return batches


def write(connection: Connection, batch: list[Message]) -> None:
    runs = [run_row(run) for run in seq_runs(batch)]
    raw.insert_accounts(connection, raw.Mark(uuid4(), 1), ledger_rows({}), runs)


def missing_now(connection: Connection, device: int) -> int:
    query = "SELECT coalesce(sum(missing_seq), 0)::bigint FROM ledger_now WHERE device_id = %s"
    row = connection.execute(query, [device]).fetchone()
    assert row is not None
    return int(row[0])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), epochs=st.integers(1, 4))
def test_it_is_the_truth_in_any_order(connection: Connection, seed: int, epochs: int) -> None:
    dice, device = random.Random(seed), next(DEVICES)  # noqa: S311 - the same seed, the same case
    received = [one for one in sent_by_a_device(dice, epochs) if dice.random() < 0.9]
    for batch in batches_of(dice, received, device):
        write(connection, batch)
    assert missing_now(connection, device) == missing_of(received)
    raw.fold_ledger(connection)
    assert missing_now(connection, device) == missing_of(received)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_what_comes_after_folding_corrects_it(connection: Connection, seed: int) -> None:
    dice, device = random.Random(seed), next(DEVICES)  # noqa: S311 - the same seed, the same case
    sent = sent_by_a_device(dice, 1)
    received = [one for one in sent if dice.random() < 0.9]
    for batch in batches_of(dice, received, device):
        write(connection, batch)
        if dice.random() < 0.1:
            raw.fold_ledger(connection)
    assert missing_now(connection, device) == missing_of(received)
    late = [one for one in sent if one not in received]
    for batch in batches_of(dice, late, device):
        write(connection, batch)
    assert missing_now(connection, device) == missing_of([*received, *late])


def one(device: int, number: int, hour: int, *, sent_hour: int | None = None) -> list[Message]:
    us = START_US + (hour if sent_hour is None else sent_hour) * HOUR_US + number * 1000
    source = known_source(device_id=device)
    return [Message(source, b"", START_US + hour * HOUR_US + number * 1000, Decoded(seq=(number,), seq_us=(us,)))]


def by_hour(connection: Connection, device: int) -> dict[int, int]:
    query = "SELECT hour, missing_seq::int FROM ledger_now WHERE device_id = %s AND missing_seq <> 0 ORDER BY hour"
    rows = connection.execute(query, [device]).fetchall()
    return {int((hour - instant(START_US)).total_seconds() // 3600): count for hour, count in rows}


def test_after_two_days_it_is_closed_and_goes_on_from_the_last_number(connection: Connection) -> None:
    device = next(DEVICES)
    for number, hour in ((1, 0), (5, 0), (10, 1), (20, 40), (30, 60)):
        write(connection, one(device, number, hour))
    expected = {0: 3, 1: 4, 40: 9, 60: 9}
    assert by_hour(connection, device) == expected
    for _ in range(2):
        raw.fold_ledger(connection)
        assert by_hour(connection, device) == expected
    assert connection.execute("SELECT count(*) FROM seq_run WHERE device_id = %s AND is_base", [device]).fetchone() == (
        1,
    )
    write(connection, one(device, 3, 61, sent_hour=0))  # too late: hour 0 stays as it was counted
    write(connection, one(device, 25, 61, sent_hour=60))
    assert by_hour(connection, device) == {0: 3, 1: 4, 40: 9, 60: 4, 61: 4}
    write(connection, one(device, 32, 140))
    raw.fold_ledger(connection)
    raw.fold_ledger(connection)
    assert by_hour(connection, device) == {0: 3, 1: 4, 40: 9, 60: 4, 61: 4, 140: 1}
