"""Slots, their topic filters and nodes, and what an earlier layout leaves over."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.leases import Ownership, is_gone, this_process
from ingest.leftovers import all_connected, leftovers, unfinished
from ingest.sharing import is_own_better
from ingest.slots import Slot, layout, named, parse_slots
from store.leases import Worker


def row(session: str, slot: int = 0, slots: int = 1, **more: object) -> Worker:
    known = {
        "client_id": "w",
        "role": "worker",
        "holder": "h",
        "host": "here",
        "pid": 1,
        "state": "connected",
        "subscriptions": ["haidang/v1/#"],
        "lease_s": 10.0,
        "started_at": datetime(2026, 11, 22, tzinfo=UTC),
        "silent_s": 0.0,
    }
    return Worker(session=session, slot=slot, slots=slots, **{**known, **more})  # type: ignore[arg-type]


def test_one_worker_is_called_and_subscribed_as_ever() -> None:
    (slot,) = layout("w", 1)
    assert slot.session == "w"
    assert slot.filters(["haidang/v1/#", "spBv1.0/#"]) == ["haidang/v1/#", "spBv1.0/#"]


def test_several_workers_share_what_has_no_state() -> None:
    slots = layout("w", 3)
    assert [slot.session for slot in slots] == ["w-0of3", "w-1of3", "w-2of3"]
    assert {tuple(slot.filters(["haidang/v1/#", "spBv1.0/#"])) for slot in slots} == {
        ("$share/w/haidang/v1/#", "spBv1.0/#")
    }
    assert layout("w", 2)[0].filters(["a/#"]) == slots[0].filters(["a/#"]), "one group, whatever the number of slots"


def test_slots_that_share_out_topics_themselves_have_other_sessions_and_plain_subscriptions() -> None:
    slots = layout("w", 2, is_own=True)
    assert [slot.session for slot in slots] == ["w-0of2-own", "w-1of2-own"]
    assert slots[0].filters(["haidang/v1/#", "spBv1.0/#"]) == ["haidang/v1/#", "spBv1.0/#"]
    assert layout("w", 1, is_own=True) == layout("w", 1)


def test_what_is_shared_keeps_no_node_from_a_slot() -> None:
    (slot, *_) = layout("w", 2)
    assert slot.filters(["#"], ["spBv1.0/#"]) == ["$share/w/#", "spBv1.0/#"]
    assert slot.filters(["a/#", "spBv1.0/#"], ["spBv1.0/#"]) == ["$share/w/a/#", "spBv1.0/#"]


@given(st.binary(min_size=1), st.integers(2, 9))
def test_a_topic_belongs_to_exactly_one_slot_by_their_own_sharing_and_to_each_by_the_brokers(
    topic: bytes, workers: int
) -> None:
    own = [slot.must_read(topic, knows_nodes=False) for slot in layout("w", workers, is_own=True)]
    assert own.count(True) == 1
    assert all(slot.must_read(topic, knows_nodes=False) for slot in layout("w", workers))


def test_a_device_of_ours_has_one_slot_and_nodes_are_the_hosts_business() -> None:
    for slot in layout("w", 3, is_own=True):
        asset = b"haidang/v1/plant/hall/line/m7"
        assert slot.must_read(asset + b"/data", knows_nodes=True) == slot.must_read(
            asset + b"/status", knows_nodes=True
        )
        assert slot.must_read(b"spBv1.0/plant/NDATA/node", knows_nodes=True)
    unread = [slot.must_read(b"spBv1.0/p/NDATA/n", knows_nodes=False) for slot in layout("w", 3, is_own=True)]
    assert unread.count(True) == 1


@pytest.mark.parametrize(
    ("version", "expected"),
    [("mosquitto version 2.0.11", True), ("Mosquitto 3", True), ("FlashMQ 1.20", False), ("", True)],
)
def test_only_a_broker_that_says_it_is_no_mosquitto_is_left_to_share(version: str, expected: bool) -> None:
    assert is_own_better(version) == expected


@given(st.text(min_size=1), st.integers(1, 9))
def test_a_node_belongs_to_exactly_one_slot(node: str, workers: int) -> None:
    assert [Ownership(slot).is_mine(node) for slot in layout("w", workers)].count(True) == 1


def test_nodes_are_spread() -> None:
    nodes = [f"plant/node-{number}" for number in range(300)]
    counts = [sum(map(Ownership(slot).is_mine, nodes)) for slot in layout("w", 3)]
    assert min(counts) > 70


def test_slots_can_be_named() -> None:
    slots = [*layout("w", 3), *layout("w", 2, is_own=True), Slot("w")]
    assert parse_slots("w", named(slots)) == slots


@pytest.mark.parametrize(
    ("workers", "expected"),
    [(1, ["w-0of2", "w-1of2"]), (2, []), (3, ["w-0of2", "w-1of2"])],
)
def test_sessions_of_another_layout_are_left_over(workers: int, expected: list[str]) -> None:
    rows = [
        row("w", role="supervisor", subscriptions=[]),
        row("w-0of2", 0, 2, holder=None),
        row("w-1of2", 1, 2, holder=None),
    ]
    assert [slot.session for slot in leftovers(rows, layout("w", workers))] == expected


def test_another_way_of_sharing_leaves_sessions_over_as_well() -> None:
    rows = [row("w-0of2", 0, 2), row("w-1of2", 1, 2), row("w-0of2-own", 0, 2), row("w-1of2-own", 1, 2)]
    assert leftovers(rows, layout("w", 2, is_own=True)) == layout("w", 2)
    assert leftovers(rows, layout("w", 2)) == layout("w", 2, is_own=True)


@pytest.mark.parametrize("subscriptions", [None, ["haidang/v1/#"]])
def test_the_session_of_a_single_worker_is_left_over_until_it_was_emptied(subscriptions: list[str] | None) -> None:
    rows = [row("w", role="supervisor", subscriptions=subscriptions)]
    assert leftovers(rows, layout("w", 2)) == [Slot("w")]


def minute(number: int) -> datetime:
    return datetime(2026, 11, 22, 0, number, tzinfo=UTC)


def of(workers: int, began: int, role: str = "worker", *, is_own: bool = True) -> list[Worker]:
    """Rows of a whole layout that began in a minute."""
    slots = layout("w", workers, is_own=is_own)
    return [row(one.session, one.number, one.of, role=role, started_at=minute(began)) for one in slots]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        (of(3, 1), []),
        ([*of(3, 1), row("w", role="supervisor", subscriptions=[])], []),
        ([*of(3, 1), *of(2, 2)], layout("w", 2, is_own=True)),
        ([*of(3, 3, role="drain"), *of(2, 2)], layout("w", 2, is_own=True)),
        ([*of(3, 1, is_own=False), *of(3, 2)], layout("w", 3, is_own=True)),
        ([*of(3, 2), row("w", role="supervisor", started_at=minute(5))], layout("w", 3, is_own=True)),
        ([*of(3, 2), row("w", started_at=minute(5))], layout("w", 1)),
        ([*of(3, 1), *of(2, 2)[:1]], []),  # of which one worker never came
    ],
)
def test_a_change_that_was_begun_is_known(rows: list[Worker], expected: list[Slot]) -> None:
    assert unfinished(rows, "w") == expected


def test_leftovers_wait_until_every_new_worker_reads() -> None:
    slots = layout("w", 2)
    rows = [row("w-0of2", 0, 2), row("w-1of2", 1, 2)]
    assert all_connected(rows, slots)
    assert not all_connected(rows[:1], slots)
    assert not all_connected([rows[0], row("w-1of2", 1, 2, holder=None)], slots)
    assert not all_connected([rows[0], row("w-1of2", 1, 2, state="starting")], slots)


def test_this_process_lives_and_strangers_may() -> None:
    assert not is_gone(this_process())
    assert not is_gone("elsewhere/boot/pid 1 1")
    assert not is_gone("")
