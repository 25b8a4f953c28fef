"""What is kept of refused messages, how often it came, and what of it the broker only delivers again."""

from typing import Any

import pytest

from ingest.account import accounts, tally
from ingest.decode.result import Decoded, Rejection
from ingest.limits import HOUR_US, Limits
from ingest.mapping import Mapping
from ingest.message import Message
from ingest.refusals import KEPT_OF_TOO_LARGE, Refusal, kept_payload, refusals
from ingest.route import Router
from tests.unit.ingest.builders import NOW_US, known_source, message, plan_of

SOURCE = known_source()


def refused(payload: bytes, **more: Any) -> Message:
    whole = Rejection("undecodable", "the payload is not JSON", 0)
    return Message(SOURCE, payload, more.pop("received_us", NOW_US), Decoded(whole=whole), **more)


def kept(*batch: Message) -> list[Refusal]:
    plan, _ = plan_of(list(batch))
    return refusals(plan, tally(plan), NOW_US, Limits())


def test_each_content_is_kept_once_and_counted() -> None:
    one, other = kept(refused(b"a"), refused(b"b"), refused(b"a"))
    assert (one.row["payload"], one.row["times"], one.places) == (b"a", 2, [0, 2])
    assert (other.row["payload"], other.row["times"]) == (b"b", 1)


@pytest.mark.parametrize(("is_new", "expected"), [(True, [1]), (False, [1])])
def test_a_second_delivery_in_one_batch_is_no_second_message(is_new: bool, expected: list[int]) -> None:
    batch = refused(b"a"), refused(b"a", dup=True)
    (one,) = kept(*batch)
    assert one.row["times"] == 1
    assert one.again(batch, is_new=is_new) == expected


def test_what_was_kept_by_an_earlier_batch_is_delivered_again() -> None:
    batch = (refused(b"a", dup=True),)
    (one,) = kept(*batch)
    assert one.row["times"] == 0
    assert one.again(batch, is_new=False) == [0]
    assert one.again(batch, is_new=True) == []  # the first delivery was never stored


def test_a_replay_has_its_row_already() -> None:
    assert kept(refused(b"a", replay_of=7)) == []


def test_a_payload_is_kept_whole_up_to_the_limit() -> None:
    limits = Limits(payload_bytes=100_000)
    assert len(kept_payload(refused(b"x" * 100_000), limits)) == 100_000
    assert len(kept_payload(refused(b"x" * 100_001), limits)) == KEPT_OF_TOO_LARGE
    (one,) = kept(refused(b"x" * ((1 << 20) + 1)))
    assert (one.row["replayable"], one.row["payload_bytes"]) == (False, (1 << 20) + 1)
    (one,) = kept(refused(b"x" * (1 << 20)))
    assert one.row["replayable"]


def test_what_names_persons_is_not_kept_and_so_not_replayable() -> None:
    mapping = Mapping.model_validate(
        {
            "topic": "gw/{m}",
            "site": "demo",
            "asset": "{m}",
            "format": "json",
            "time": {"from": "t", "format": "unix_ms"},
            "values": [{"from": "who", "name": "operator", "quantity": "text", "person": True}],
        }
    )
    source = Router([mapping]).source("gw/press")
    source.site_id, source.asset_id, source.device_id = 1, 2, 3
    whole = Decoded(whole=Rejection("wrong_shape", "no", 0))
    (one,) = kept(Message(source, b'{"t": 1, "who": "An"}', NOW_US, whole))
    assert b"An" not in one.row["payload"]
    assert one.row["replayable"] is False


def test_the_account_has_second_deliveries_in_their_own_hour() -> None:
    later = NOW_US + HOUR_US
    batch = [refused(b"a"), refused(b"a", dup=True, received_us=later), message(SOURCE, [], received_us=later)]
    plan, _ = plan_of(batch)
    found = accounts(plan, tally(plan), later, again=[1])
    hours = {key[2] - NOW_US // HOUR_US: one.counts for key, one in found.items()}
    assert (hours[0]["received"], hours[0]["rejected"], hours[0]["redelivered"]) == (1, 1, 0)
    assert (hours[1]["received"], hours[1]["rejected"], hours[1]["redelivered"], hours[1]["processed"]) == (2, 0, 1, 1)


def test_a_derived_message_counts_its_values_only_and_a_replay_is_counted_beside() -> None:
    value = ("a", None, NOW_US, 1.0, 0)
    derived = message(SOURCE, [value])
    derived.is_derived = True
    replay = message(SOURCE, [("a", None, NOW_US - 1000, 2.0, 0)], replay_of=3)
    plan, _ = plan_of([derived, replay])
    (found,) = accounts(plan, tally(plan), NOW_US).values()
    counts = found.counts
    assert (counts["received"], counts["processed"], counts["decoded"], counts["stored"]) == (1, 1, 2, 2)
    assert counts["replayed"] == 1
    assert (sum(found.latency_ms), sum(found.skew_ms)) == (0, 0)


def test_a_refusal_belongs_to_the_site_and_device_that_it_was_planned_for() -> None:
    """The next batch is planned while this one is written: what a topic is may change between the two."""
    source = known_source()
    batch = refused(b"a")
    batch.source = source
    plan, _ = plan_of([batch])
    source.site_id, source.device_id = 8, 9
    (one,) = refusals(plan, tally(plan), NOW_US, Limits())
    assert (one.row["site_id"], one.row["device_id"]) == (1, 7)
