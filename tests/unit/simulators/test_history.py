# ruff: noqa: S311 - seeded on purpose

from random import Random

import numpy as np

from simulators.history import OPEN, Rejects, Segment
from simulators.meters import WATT_MS_PER_KWH, Register, energy


def running(end_ms: int = OPEN) -> Segment:
    return Segment(1000, end_ms, "EXECUTE", "", 0, 2000, 50, cycle_ms=100, first_ms=1040, pieces_per_cycle=4)


def test_a_piece_counts_at_the_instant_it_is_finished() -> None:
    assert [running().total(at) for at in (1000, 1039, 1040, 1139, 1140)] == [50, 50, 54, 54, 58]


def test_a_piece_finished_at_the_end_belongs_to_the_segment() -> None:
    assert running(1140).total(5000) == 58
    assert running(1139).total(5000) == 54


def test_a_stop_makes_nothing() -> None:
    assert Segment(1000, OPEN, "STOPPED", "", 0, 100, 50).total(9_999_999) == 50


def test_rejects_follow_their_share() -> None:
    rejects = Rejects(Random("a"), 0.02)
    assert 0.018 < rejects.count(200_000) / 200_000 < 0.022
    assert rejects.count(100_000) == len([number for number in rejects.ordinals if number <= 100_000])


def test_rejects_do_not_depend_on_how_often_one_asks() -> None:
    often, once = Rejects(Random("a"), 0.02), Rejects(Random("a"), 0.02)
    for total in range(0, 5000, 7):
        often.count(total)
    assert often.count(5000) == once.count(5000)
    assert often.ordinals == once.ordinals


def test_a_setup_makes_scrap_and_then_no_more() -> None:
    extra = []
    for seed in range(300):
        rejects = Rejects(Random(seed), 0.001)
        rejects.after_setup(1000)
        extra.append(rejects.count(1060) - rejects.count(1000))
        assert rejects.count(3000) - rejects.count(1060) < 20
    assert 12 < sum(extra) / len(extra) < 18  # a quarter of 60


def test_energy_of_a_stretch_and_of_a_register_agree() -> None:
    segments = [
        Segment(0, 1000, "STOPPED", "", 0, 500, 0),
        Segment(1000, 5000, "EXECUTE", "", 0, 2000, 0),
        Segment(5000, OPEN, "STOPPED", "", 0, 100, 0),
    ]
    instants = np.array([0, 500, 1000, 3000, 6000], dtype=np.int64)
    readings, power = Register(segments, WATT_MS_PER_KWH).read(instants)
    assert (readings - WATT_MS_PER_KWH).tolist() == [energy(segments, 0, int(at)) for at in instants]
    assert (readings - WATT_MS_PER_KWH).tolist() == [0, 250_000, 500_000, 4_500_000, 8_600_000]
    assert power.tolist() == [500, 500, 2000, 2000, 100]
