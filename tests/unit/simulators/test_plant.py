import json
from collections import defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from simulators.layout import describe
from simulators.machines import CONVEYOR_PIECES
from simulators.plant import Plant
from simulators.shifts import milliseconds
from tests.unit.simulators.plants import DAY_MS, FRIDAY_MORNING, HOUR_MS, long_weekend, samples, simulate


def test_same_seed_gives_the_same_bytes() -> None:
    assert simulate(3, 0.5).messages == simulate(3, 0.5).messages


def test_another_seed_gives_another_plant() -> None:
    assert simulate(3, 0.2).messages != simulate(4, 0.2).messages


def test_small_steps_give_the_same_samples_as_days() -> None:
    plant = Plant(seed=7, start_ms=FRIDAY_MORNING, sample_period_ms=60_000)
    end_ms = FRIDAY_MORNING + DAY_MS // 2
    stepped = [m for at in range(FRIDAY_MORNING, end_ms, 7_777_123) for m in plant.advance(at)]
    stepped += plant.advance(end_ms)
    whole = simulate(7, 0.5, batch=1).messages
    assert sorted(stepped, key=str) == sorted(whole, key=str)
    assert [row["time_us"] for row in plant.truth() if row["kind"] == "unit"] == [
        row["time_us"] for row in simulate(7, 0.5).truth if row["kind"] == "unit"
    ]


def test_batches_change_the_packing_only() -> None:
    def flat(batch: int) -> dict[str, list[dict[str, object]]]:
        by_topic: dict[str, list[dict[str, object]]] = defaultdict(list)
        for message in simulate(5, 0.3, batch=batch).messages:
            by_topic[message.topic] += samples(message.payload)
        return by_topic

    assert flat(1) == flat(50)


def test_sequence_numbers_of_a_device_have_no_gap() -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for message in long_weekend().messages:
        numbers[message.topic] += [sample["seq"] for sample in samples(message.payload)]
    assert len(numbers) == 8
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))


def test_no_name_comes_twice_in_a_sample() -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    for message in long_weekend().messages:
        json.loads(message.payload, object_pairs_hook=unique)


def test_device_times_of_a_device_rise() -> None:
    times: dict[str, list[datetime]] = defaultdict(list)
    for message in long_weekend().messages:
        times[message.topic] += [datetime.fromisoformat(sample["ts"]) for sample in samples(message.payload)]
    for found in times.values():
        assert all(before < after for before, after in pairwise(found))


@pytest.mark.parametrize("name", ["good_count", "reject_count", "energy_kwh"])
def test_counters_never_fall_and_grow(name: str) -> None:
    for found in long_weekend().readings(name).values():
        values = [value for _, value in found]
        assert values == sorted(values)
        assert values[-1] > values[0]


@pytest.mark.parametrize("name", ["good_count", "reject_count", "energy_kwh"])
def test_a_plant_switched_on_anew_counts_the_same_from_zero(name: str) -> None:
    """What follows an earlier plant is a reset to zero; a jump back to where that one began was a whole register."""
    before, anew = (simulate(7, 0.2, anew=each).readings(name) for each in (False, True))
    for path, readings in before.items():
        first, last = readings[0][1], anew[path][-1][1]
        assert last == pytest.approx(readings[-1][1] - first, abs=2)
        assert first >= 1_000
        assert anew[path][0][1] <= 2


def test_every_hour_has_a_reading_of_every_counter() -> None:
    hours = set(range(FRIDAY_MORNING, FRIDAY_MORNING + 5 * DAY_MS + 1, HOUR_MS))
    for found in long_weekend().readings("good_count").values():
        assert hours <= {ts for ts, _ in found}


def test_conveyors_hold_what_fits_on_them() -> None:
    good, bad = long_weekend().readings("good_count"), long_weekend().readings("reject_count")
    line = [f"filling/bottling-1/{unit}" for unit in ("filler", "capper", "labeller", "packer")]
    for before, after in pairwise(line):
        sent = {ts: value - good[before][0][1] for ts, value in good[before]}
        taken = {ts: value - good[after][0][1] for ts, value in good[after]}
        thrown = {ts: value - bad[after][0][1] for ts, value in bad[after]}
        levels = [sent[ts] - taken[ts] - thrown[ts] for ts in sent.keys() & taken.keys()]
        assert min(levels) >= 0
        assert CONVEYOR_PIECES * 0.9 < max(levels) <= CONVEYOR_PIECES + 10


def test_nothing_is_made_without_shifts_and_base_load_goes_on() -> None:
    night = milliseconds(datetime.fromisoformat("2026-11-08T22:00:00+07:00"))
    for name, moves in (("good_count", False), ("energy_kwh", True)):
        for path, found in long_weekend().readings(name).items():
            free = [value for ts, value in found if night < ts <= night + DAY_MS // 3]
            assert (free[-1] > free[0]) is moves, path


def test_both_products_and_all_states_occur() -> None:
    states = {value for found in long_weekend().readings("state").values() for _, value in found}
    assert states == set(describe()["state_classes"])
    for found in long_weekend().readings("product").values():
        assert len({value for _, value in found}) == 2


def test_description_names_every_device_that_reports() -> None:
    described = {unit["path"] for line in describe()["lines"] for unit in [*line["units"], line["meter"]]}
    assert described == {"/".join(message.topic.split("/")[3:6]) for message in long_weekend().messages}


def test_every_state_begins_with_a_count() -> None:
    counts = {path: {ts for ts, _ in found} for path, found in long_weekend().readings("good_count").items()}
    for path, found in long_weekend().readings("state").items():
        assert {ts for ts, _ in found} <= counts[path]
