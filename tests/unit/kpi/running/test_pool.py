"""Parts that several compute: shared out, told one at a time, a process that dies or fails is noticed.

One process is started for all tests, beside files named as modules that it needs; the rest is shown on
workers in this process.
"""

import io
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kpi.errors import WorkerLostError
from kpi.running.parts import Done, Part
from kpi.running.pool import Pool, Worker
from kpi.running.work import windows_of_days
from kpi.running.worker import serve
from store.spool import Rows
from tests.unit.kpi.compute.plants import inputs, plant, readings, series, us

DAY = date(2026, 3, 2)


class Here(Worker):
    """A worker in this process."""

    def __init__(self, compute: Callable[[Part], Done]) -> None:
        self.compute = compute
        self.closed = threading.Event()

    @property
    def alive(self) -> bool:
        return not self.closed.is_set()

    def run(self, part: Part) -> Done:
        return self.compute(part)

    def close(self) -> None:
        self.closed.set()


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    started_here, first_on_path = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("path")
    wrong = "raise ImportError('not the module of this name')"
    (started_here / "decimal.py").write_text(wrong, "utf-8")
    (first_on_path / "types.py").write_text(wrong, "utf-8")  # loaded before there is a path, here as there
    with pytest.MonkeyPatch.context() as patch, Pool(2) as pool:
        patch.chdir(started_here)
        patch.syspath_prepend(first_on_path)
        pool.start()
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


def with_others(*compute: Callable[[Part], Done]) -> Pool:
    pool = Pool(1 + len(compute))
    pool.workers.extend(map(Here, compute))
    return pool


def test_parts_of_two_processes_come_back_in_their_order(pool: Pool) -> None:
    parts, told = [part(count) for count in (400, 300, 200, 100)], list[Done]()
    done = pool.run(parts, told.append)
    assert [each.readings for each in done] == [400, 300, 200, 100]
    assert sorted(each.readings for each in told) == [100, 200, 300, 400]
    for each, alone in zip(done, Pool().run(parts), strict=True):
        assert_frame_equal(each.tables.atoms, alone.tables.atoms, check_exact=True)
        assert each.digests.equals(alone.digests)


def test_an_error_there_is_raised_here_and_the_process_goes_on(pool: Pool) -> None:
    worker, sound = pool.workers[0], part(10)
    with pytest.raises(FileNotFoundError) as raised:
        worker.run(replace(sound, rows=Rows(files=("/nowhere",))))
    assert "In a process that computes parts" in "".join(raised.value.__notes__)
    assert worker.run(sound).readings == 10


def test_a_killed_process_is_told_apart_and_replaced() -> None:
    with Pool(2) as pool:
        pool.start()
        lost = pool.workers[0]
        lost.process.kill()
        with pytest.raises(WorkerLostError):
            lost.run(part(10))
        lost.process.wait(10)
        pool.start()
        assert len(pool.workers) == 1
        assert pool.workers[0].alive


@pytest.mark.parametrize("error", [IndexError("of a list"), WorkerLostError("killed")])
def test_what_went_wrong_elsewhere_is_raised(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fail(_: Part) -> Done:
        failed.set()
        raise error

    def wait(_: Part) -> Done:
        assert failed.wait(10)
        return done

    done = Pool().run([part(10)])[0]
    monkeypatch.setattr("kpi.running.pool.run_part", wait)
    pool = with_others(fail)
    with pytest.raises(type(error), match=str(error)):
        pool.run([part(10)] * 3)
    assert pool.workers == []


def test_a_failure_ends_what_others_are_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while this process has nothing left to do but wait for them, as at Ctrl-C."""

    def fail(_: Part) -> Done:
        assert begun.wait(10)
        raise WorkerLostError("killed")

    def until_closed(_: Part) -> Done:
        begun.set()
        assert closed.wait(10)
        raise WorkerLostError("closed")

    def here(_: Part) -> Done:
        assert begun.wait(10)
        return done

    done, begun, closed = Pool().run([part(10)])[0], threading.Event(), threading.Event()
    monkeypatch.setattr("kpi.running.pool.run_part", here)
    pool = with_others(fail, until_closed)
    monkeypatch.setattr(pool.workers[1], "close", closed.set)
    with pytest.raises(WorkerLostError, match="killed"):
        pool.run([part(10)] * 3)
    assert closed.is_set()


def test_parts_are_told_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of them would go back otherwise."""
    inside, most, done = list[int](), list[int](), Pool().run([part(10)])[0]

    def told(_: Done) -> None:
        inside.append(1)
        both.wait(0.02)
        most.append(len(inside))
        inside.pop()

    both = threading.Event()
    monkeypatch.setattr("kpi.running.pool.run_part", lambda _: done)
    with_others(lambda _: done).run([part(10)] * 4, told)
    assert most == [1, 1, 1, 1]


class TwoWordsError(Exception):
    """An error that cannot be unpickled: it is made of more than its text."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TwoWordsError("no", "sense"), "TwoWordsError: no sense"),
        (OSError(threading.Lock()), "OSError: <unlocked"),
        (pl.exceptions.PanicException("index out of range"), "PanicException: index out of range"),
    ],
)
def test_an_error_that_cannot_leave_its_process_is_told_in_words(error: BaseException, text: str) -> None:
    def fail(_: Any) -> object:
        raise error

    results = io.BytesIO()
    serve(io.BytesIO(pickle.dumps("a part")), results, fail)
    found = pickle.loads(results.getvalue())  # noqa: S301 - made here
    assert isinstance(found, RuntimeError)
    assert text in str(found)
    assert "in fail" in found.__notes__[0]
