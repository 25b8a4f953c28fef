"""Processes beside this one: parts and errors go there and back, a dead one is noticed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kpi.errors import WorkerLostError
from kpi.parts import Done, Part
from kpi.pool import Pool, Worker
from kpi.work import windows_of_days
from store.spool import Rows
from tests.unit.kpi.compute.plants import inputs, plant, readings, series, us

DAY = date(2026, 3, 2)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(2) as pool:
        yield pool


def part(count: int) -> Part:
    start = us("2026-03-02T00:00")
    given = inputs(plant(), (DAY,), series=series({"quantity": "good_count"}))
    rows = readings([(start + n * 60_000_000, float(n)) for n in range(count)])
    return Part(
        given,
        Rows((rows,)),
        given.series.with_columns(pl.lit(value=True).alias("active")),
        windows_of_days(given.site, [DAY]),
    )


def test_parts_of_two_processes_come_back_in_their_order(pool: Pool) -> None:
    parts, told = [part(count) for count in (400, 300, 200, 100)], list[Done]()
    done = pool.run(parts, told.append)
    assert [each.readings for each in done] == [400, 300, 200, 100]
    assert sorted(each.readings for each in told) == [100, 200, 300, 400]
    for each, alone in zip(done, Pool().run(parts), strict=True):
        assert_frame_equal(each.tables.atoms, alone.tables.atoms, check_exact=True)
        assert each.digests.equals(alone.digests)


def test_an_error_there_is_raised_here_and_the_process_goes_on() -> None:
    worker, sound = Worker(), part(10)
    try:
        with pytest.raises(FileNotFoundError) as raised:
            worker.run(replace(sound, rows=Rows(files=("/nowhere",))))
        assert "In a process that computes parts" in "".join(raised.value.__notes__)
        assert worker.run(sound).readings == 10
    finally:
        worker.close()


def test_a_killed_process_is_told_apart_and_replaced(pool: Pool) -> None:
    pool.start()
    pool.workers[0].process.kill()
    with pytest.raises(WorkerLostError):
        pool.workers[0].run(part(10))
    with pytest.raises(WorkerLostError):
        pool.run([part(10)] * 20)
    assert sum(done.readings for done in pool.run([part(10)] * 3)) == 30
