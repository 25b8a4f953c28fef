"""Slots, their topic filters and nodes, and what an earlier layout leaves over."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.leases import Ownership, is_gone, this_process
from ingest.leftovers import all_connected, leftovers
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


@given(st.text(min_size=1), st.integers(1, 9))
def test_a_node_belongs_to_exactly_one_slot(node: str, workers: int) -> None:
    assert [Ownership(slot).is_mine(node) for slot in layout("w", workers)].count(True) == 1


def test_nodes_are_spread() -> None:
    nodes = [f"plant/node-{number}" for number in range(300)]
    counts = [sum(map(Ownership(slot).is_mine, nodes)) for slot in layout("w", 3)]
    assert min(counts) > 70


def test_slots_can_be_named() -> None:
    slots = [*layout("w", 3), Slot("w")]
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


@pytest.mark.parametrize("subscriptions", [None, ["haidang/v1/#"]])
def test_the_session_of_a_single_worker_is_left_over_until_it_was_emptied(subscriptions: list[str] | None) -> None:
    rows = [row("w", role="supervisor", subscriptions=subscriptions)]
    assert leftovers(rows, layout("w", 2)) == [Slot("w")]


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
