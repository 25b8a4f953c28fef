"""Sequences of Sparkplug nodes: order, gaps, repeats and the round of 256, as properties."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.sparkplug.state import (
    BirthMetric,
    Life,
    Node,
    advance,
    device_born,
    doubted,
    is_doubtful_death,
    is_stale_death,
    node_born,
    node_died,
)

STEP_US = 100_000


def start() -> Node:
    return node_born(Node("g", "n"), (), 1, 0, 0).node


def run(node: Node, numbers: list[tuple[int, bool]]) -> tuple[Node, int, int]:
    """Feed numbers (counted without end) and marks of repeats; returns the node, the missing ones, and the gaps."""
    missing = gaps = 0
    for number, dup in numbers:
        step = advance(node, number % 256, number * STEP_US, dup=dup)
        node, missing, gaps = step.node, missing + step.missing, gaps + step.is_gap
    return node, missing, gaps


@given(st.integers(0, 2000))
def test_an_unbroken_sequence_has_no_gap_however_often_it_goes_round(length: int) -> None:
    assert run(start(), [(number, False) for number in range(1, length + 1)])[1:] == (0, 0)


@given(st.integers(1, 3000), st.integers(1, 255))
def test_what_is_left_out_is_counted_once(before: int, lost: int) -> None:
    numbers = [number for number in range(1, before + lost + 20) if not before <= number < before + lost]
    assert run(start(), [(number, False) for number in numbers])[1:] == (lost, 1)


@given(st.integers(1, 2000), st.integers(0, 1999))
def test_what_is_delivered_again_is_no_gap(length: int, back: int) -> None:
    numbers = [(number, False) for number in range(1, length + 1)]
    again = [(number, True) for number in range(max(1, length - back), length + 1)]
    node, missing, _ = run(start(), [*numbers, *again, (length + 1, False), (length + 2, False)])
    assert (missing, node.seq) == (0, (length + 2) % 256)


@given(st.permutations(range(1, 12)))
def test_late_ones_are_not_missing_in_the_end(order: list[int]) -> None:
    numbers = [(number, False) for number in [*order, *range(12, 40)]]
    first = Node("g", "n", seq=0)
    node, missing, _ = run(first, numbers)
    assert (missing, node.seq) == (0, 39)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 10**12), st.booleans()), max_size=60))
def test_any_sequence_leaves_a_node_that_can_be_kept(numbers: list[tuple[int, int, bool]]) -> None:
    node, newest = Node("g", "n"), 0
    for seq, ts_us, dup in numbers:
        step = advance(node, seq, ts_us, dup=dup)
        node = step.node
        assert -1 <= step.missing < 256
        assert 0 <= node.seq < 256
        assert node.missing >> 128 == 0
        assert node.newest_us >= newest
        newest = node.newest_us


def test_a_repeated_number_is_not_a_repeated_message() -> None:
    node, missing, _ = run(start(), [(number, False) for number in range(1, 258)])
    assert (node.seq, missing) == (1, 0)


def test_a_publisher_that_sends_twice_is_no_gap() -> None:
    """The broker passes on a second copy without a mark; its time tells."""
    assert run(start(), [(1, False), (2, False), (2, False), (1, False), (3, False)])[1:] == (0, 0)


def test_a_new_birth_makes_devices_introduce_themselves() -> None:
    metric = (BirthMetric("a", 1, 10),)
    node = device_born(start(), "d", metric, 5).node
    change = node_born(node, (), 1, 0, 10)
    assert change.node.device("d").life is Life.AWAITED
    assert change.node.device("d").metrics == metric
    assert set(change.devices) == {"", "d"}


def test_a_death_takes_the_living_with_it_once() -> None:
    node = device_born(start(), "d", (), 5).node
    change = node_died(node, 20)
    assert change.devices == ("", "d")
    assert {device.life for device in change.node.devices.values()} == {Life.DEAD}
    assert node_died(change.node, 30).devices == ("",)


def test_a_death_of_an_earlier_session_is_stale() -> None:
    node = start()
    assert is_stale_death(node, 0)
    assert not is_stale_death(node, 1)
    assert not is_stale_death(Node("g", "n"), 7)
    assert is_stale_death(doubted(node).node, 0), "also of a node of which something was missed since"


def test_a_death_of_a_session_that_nobody_saw_begin_is_taken_and_asked_about() -> None:
    """Some clients number the death that they send themselves like their next session."""
    node = start()
    assert not is_stale_death(node, 2)
    assert is_doubtful_death(node, 2)
    assert not is_doubtful_death(node, 1)
