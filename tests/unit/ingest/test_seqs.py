"""Sequence numbers of a batch as sets: cut where the counter began anew, placed by the device's time."""

from ingest.decode.result import Decoded
from ingest.limits import HOUR_US
from ingest.message import Message
from ingest.seqs import seq_runs
from tests.unit.ingest.builders import NOW_US, known_source

SOURCE = known_source()


def numbers(*pairs: tuple[int, int], received_us: int = NOW_US, dup: bool = False) -> Message:
    """A message with these (number, ms after NOW)."""
    seq = tuple(number for number, _ in pairs)
    times = tuple(NOW_US + ms * 1000 for _, ms in pairs)
    return Message(SOURCE, b"", received_us, Decoded(seq=seq, seq_us=times), dup)


def sets(*messages: Message) -> list[tuple[int, str]]:
    return [((run.first_us - NOW_US) // 1000, run.multirange) for run in seq_runs(messages)]


def test_order_and_repeats_do_not_matter() -> None:
    assert sets(numbers((5, 0), (6, 10)), numbers((9, 40)), numbers((7, 20)), numbers((6, 10), dup=True)) == [
        (0, "{[5,7],[9,9]}")
    ]
    assert sets(numbers((9, 40)), numbers((7, 20)), numbers((5, 0), (6, 10))) == [(0, "{[5,7],[9,9]}")]


def test_a_counter_that_goes_back_begins_anew() -> None:
    assert sets(numbers((99, 0)), numbers((100, 10)), numbers((1, 5000)), numbers((2, 5010))) == [
        (0, "{[99,100]}"),
        (5000, "{[1,2]}"),
    ]
    assert sets(numbers((100, 0)), numbers((1, 200))) == [(0, "{[100,100]}"), (200, "{[1,1]}")]


def test_times_that_are_a_little_out_of_order_are_no_new_beginning() -> None:
    assert sets(numbers((4, 0)), numbers((6, 5)), numbers((5, 10)), numbers((7, 15))) == [(0, "{[4,7]}")]


def test_after_a_pause_with_numbers_missing_another_worker_may_have_seen_a_restart() -> None:
    assert sets(numbers((10, 0)), numbers((11, 2000)), numbers((20, 4000))) == [(0, "{[10,11]}"), (4000, "{[20,20]}")]


def test_each_hour_of_receipt_has_its_own() -> None:
    late = numbers((6, 10), received_us=NOW_US + HOUR_US)
    assert [run.hour_us for run in seq_runs([numbers((5, 0)), late])] == [
        NOW_US // HOUR_US * HOUR_US,
        NOW_US // HOUR_US * HOUR_US + HOUR_US,
    ]


def test_a_number_whose_time_cannot_be_is_placed_by_its_receipt_once() -> None:
    far = 10**9
    assert sets(numbers((5, far)), numbers((5, far), received_us=NOW_US + 50, dup=True)) == [(0, "{[5,5]}")]


def test_numbers_beyond_any_counter_are_left_out() -> None:
    assert sets(numbers((2**63, 0)), numbers((2**63 - 2, 0))) == [(0, f"{{[{2**63 - 2},{2**63 - 2}]}}")]


def test_who_is_not_known_has_no_counter() -> None:
    stranger = known_source("haidang/v1/demo/other/data", device_id=0)
    assert seq_runs([Message(stranger, b"", NOW_US, Decoded(seq=(1,), seq_us=(NOW_US,)))]) == []
