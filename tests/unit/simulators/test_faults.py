from collections import Counter
from itertools import pairwise

from simulators.faults import PROFILES, Chances, FaultLayer
from simulators.signals import Message

MESSAGES = [Message(f"t/{number % 7}", b"%d" % number, number * 1000) for number in range(20_000)]


def disturbed(chances: Chances, seed: int = 1) -> tuple[list[Message], FaultLayer]:
    layer = FaultLayer(chances, seed)
    return [*layer.feed(MESSAGES), *layer.flush()], layer


def test_without_faults_nothing_changes() -> None:
    assert disturbed(PROFILES["none"])[0] == MESSAGES


def test_nothing_is_lost_and_doubles_are_counted() -> None:
    came, layer = disturbed(PROFILES["field"])
    times = Counter(came)
    assert set(times) == set(MESSAGES)
    assert layer.duplicated == len(came) - len(MESSAGES) > 100


def test_some_come_out_of_order() -> None:
    came, layer = disturbed(Chances(reorder=0.05))
    assert len(came) == len(MESSAGES)
    assert layer.reordered > 500
    assert any(before.ts_ms > after.ts_ms for before, after in pairwise(came))


def test_delay_is_no_longer_than_allowed() -> None:
    came, layer = disturbed(Chances(delay=0.02, delay_s=100))
    newest = 0
    for message in came:
        newest = max(newest, message.ts_ms)
        assert newest - message.ts_ms <= 101_000
    assert layer.delayed > 200


def test_same_seed_disturbs_the_same_way() -> None:
    assert disturbed(PROFILES["field"], 5)[0] == disturbed(PROFILES["field"], 5)[0]
    assert disturbed(PROFILES["field"], 5)[0] != disturbed(PROFILES["field"], 6)[0]


def test_feeding_in_parts_makes_no_difference() -> None:
    layer = FaultLayer(PROFILES["field"], 1)
    parts = [layer.feed(MESSAGES[at : at + 333]) for at in range(0, len(MESSAGES), 333)]
    came = [message for part in parts for message in part] + list(layer.flush())
    assert came == disturbed(PROFILES["field"], 1)[0]
