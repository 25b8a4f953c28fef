"""Progress of the job: fractions of fractions, and how they are shown where there is no terminal."""

import io

import pytest
from rich.console import Console

from kpi.running.progress import Gauge
from pilot.kpi_progress import shown


def test_a_step_of_a_span_is_told_as_a_fraction_of_the_pass() -> None:
    told: list[tuple[float, str]] = []
    second_of_four = Gauge(lambda done, what: told.append((done, what))).part(0.25, 0.5, "plant, 2026-03-02")
    computing = second_of_four.part(0.4, 0.8)
    computing.at(0.5, "half")
    computing.at(3, "more than was expected")
    second_of_four.at(1, "stored")
    assert [what for _, what in told] == [
        f"plant, 2026-03-02: {what}" for what in ("half", "more than was expected", "stored")
    ]
    assert [done for done, _ in told] == pytest.approx([0.40, 0.45, 0.50])


def test_nobody_is_told_when_nobody_listens() -> None:
    assert not Gauge().part(0.1, 0.2).heard
    Gauge().at(0.5, "to nobody")


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    stream, now = io.StringIO(), [0.0]
    with shown(Console(file=stream), lambda: now[0]) as tell:
        for second in range(25):
            now[0] = float(second)
            tell(second / 25, f"plant [A]: {second} read")
    assert stream.getvalue() == "40% plant [A]: 10 read\n80% plant [A]: 20 read\n"


def test_on_a_terminal_there_is_a_bar() -> None:
    stream = io.StringIO()
    with shown(Console(file=stream, force_terminal=True, width=100)) as tell:
        tell(0.5, "plant [A]: 7 read")
    assert "plant [A]: 7 read" in stream.getvalue()
    assert " 50%" in stream.getvalue()
