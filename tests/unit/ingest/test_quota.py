"""A site's quota of values: filled over a minute, debts are paid back, time away is forgiven."""

import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import intake
from ingest.decode import native
from ingest.decode.result import Decoded
from ingest.message import Message
from ingest.over_quota import OverQuota
from ingest.quota import KEPT_IN_A_MINUTE, SiteQuotas
from ingest.recent import Recent
from ingest.route import Router, Source
from ingest.seqs import seq_runs
from store.raw_registry import SiteRow
from store.site_quota import WINDOW_S
from tests.unit.ingest.builders import NOW_US

RATE = 10
MOST = 1 << 20
SITES = {"a": SiteRow(1, "a", None, None, RATE), "b": SiteRow(2, "b", None)}
ROUTER = Router()
A, B = (ROUTER.source(f"haidang/v1/{site}/line/data") for site in ("a", "b"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quotas(clock: Clock) -> SiteQuotas:
    made = SiteQuotas(clock)
    made.take(SITES)
    return made


def send(quotas: SiteQuotas, source: Source, messages: int, values: int = 1) -> int:
    """Messages that are let in."""
    taken = 0
    for _ in range(messages):
        if quotas.refusal(source) is None:
            many = Decoded(values=[("x", None, NOW_US, 1.0, 0)] * values)
            quotas.spend(Message(source, b"", NOW_US, many))
            taken += 1
    return taken


def test_a_minute_may_come_at_once_and_then_the_rate(quotas: SiteQuotas, clock: Clock) -> None:
    assert send(quotas, A, 10_000) == RATE * WINDOW_S
    assert send(quotas, B, 10_000) == 10_000
    clock.now = 5.0
    assert send(quotas, A, 10_000) == 5 * RATE
    clock.now = 10_000.0
    assert send(quotas, A, 10_000) == RATE * WINDOW_S


def test_what_was_too_much_in_one_message_is_paid_back(quotas: SiteQuotas, clock: Clock) -> None:
    assert send(quotas, A, 2, values=RATE * (WINDOW_S + 30)) == 1
    clock.now = 29.0
    assert send(quotas, A, 1) == 0
    clock.now = 31.0
    assert send(quotas, A, 100) == RATE


def test_time_away_is_forgiven(quotas: SiteQuotas, clock: Clock) -> None:
    send(quotas, A, 10_000)
    quotas.forgive(3600.0)
    assert send(quotas, A, 100_000) == 3600 * RATE


def test_births_deaths_and_statuses_are_never_refused(quotas: SiteQuotas) -> None:
    send(quotas, A, 10_000)
    assert send(quotas, ROUTER.source("haidang/v1/a/line/status"), 1) == 1


def test_a_quota_can_be_changed_and_taken_away(quotas: SiteQuotas) -> None:
    send(quotas, A, 10_000)
    quotas.take({"a": SITES["a"]._replace(most_values_per_s=2 * RATE)})
    assert send(quotas, A, 10_000) == 2 * RATE * WINDOW_S
    quotas.take({"a": SITES["a"]._replace(most_values_per_s=None)})
    assert not quotas.active


def test_of_a_flood_a_few_messages_are_kept_and_the_others_are_counted_in_the_last(quotas: SiteQuotas) -> None:
    send(quotas, A, 10_000)
    refused = quotas.refusal(A)
    assert refused is not None
    over, kept, counted = OverQuota(), [], []
    for number in range(100):
        message = Message(A, b"%d" % number, NOW_US + (60_000_000 if number >= 90 else 0), refused)
        row = over.counted_in(message, 1)
        if row is None:
            kept.append(number)
            over.keep(message, 1, {"of": number})
        else:
            counted.append(row["of"])
    most = KEPT_IN_A_MINUTE
    assert kept == [*range(most), *range(90, 90 + most)]
    assert counted == [most - 1] * (90 - most)
    assert over.counted_in(Message(A, b"", NOW_US, refused), 2) is None, "another site"
    assert over.counted_in(Message(A, b"", NOW_US, Decoded()), 1) is None


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_what_is_refused_for_the_quota_is_not_missing_as_well(
    quotas: SiteQuotas, packed: Callable[[bytes], bytes]
) -> None:
    source = Router().source("haidang/v1/a/line/data")
    source.device_id = 7
    messages = []
    for number in range(10):
        if number == 3:
            send(quotas, A, 10_000)
        over = quotas.refusal(source)
        payload = packed(json.dumps({"ts": NOW_US // 1000 + number, "values": {"p": 1.5}, "seq": number}).encode())
        opened = intake.opened(payload, MOST)
        content = intake.unread(source, payload, MOST, over) if over else intake.decode(source, opened, NOW_US)
        messages.append(Message(source, payload, NOW_US, content))
        quotas.spend(messages[-1])
    assert [message.decoded.whole is None for message in messages] == [True] * 3 + [False] * 7
    (run,) = seq_runs(messages)
    assert run.ranges == ((0, 9),)
    assert quotas.refusal(A) is not None
    assert send(quotas, B, 1) == 1


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b'{"ts": 5, "values": {"a": "x"}, "seq": 3}', ((3,), (5_000,))),
        (b'[{"ts": 5, "seq": 3}, {"ts": 6}, {"ts": "1970-01-01T00:00:01Z", "seq": 4}]', ((3, 4), (5_000, 1_000_000))),
        (b'{"ts": 5, "seq": 3, "asset": "another"}', ((), ())),
        (b'{"ts": 9007199254740992, "seq": 3}', ((), ())),
        (b'{"ts": 5, "seq": -3}', ((), ())),
        (b"garbage", ((), ())),
    ],
)
def test_the_numbers_of_a_message_are_found_without_reading_it(payload: bytes, found: object) -> None:
    assert native.numbers(payload, "a/line") == found


@given(st.lists(st.integers(0, 30)), st.integers(2, 12))
def test_the_last_used_half_is_remembered_and_never_more_than_all(keys: list[int], most: int) -> None:
    recent: Recent[int, int] = Recent(most)
    for at, key in enumerate(keys):
        if recent.get(key) is None:
            recent.put(key, key)
        assert len(recent) <= most
        last = list(dict.fromkeys(reversed(keys[: at + 1])))[: most // 2]
        assert all(key in recent._young or key in recent._old for key in last)
