"""One thing that `haidang bench kpi` measures, done in this process: prints one line of JSON."""

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from kpi.compute import read_range
from kpi.running.job import run_once
from kpi.running.pool import Pool
from kpi.running.settings import KpiSettings
from kpi.running.work import Span, each_day
from kpi.span.parting import parts_of
from kpi.span.reading import reading
from kpi.span.scene import Scene
from pilot.bench_kpi_plant import FIRST_DAY, LATENESS, SITE, START, Size
from pilot.bench_kpi_plant import mark as mark_site
from pilot.bench_used import database_seconds
from store import derived, inputs
from store.pool import connect
from store.queries import load
from store.registry import asset_ids, site_id, snapshot

_SQL = load("bench")
_KB = 1024.0
CUT_FOR = 2  # processes


def read(url: str, size: Size, _: int) -> dict[str, Any]:
    """Only read the rows that the job reads, batch by batch."""
    with connect(url, "bench") as connection, inputs.open_adbc(url) as reader:
        number = site_id(connection, SITE)
        site = snapshot(connection, SITE, START)
        days = tuple(each_day(FIRST_DAY, size.last_day))
        ids = inputs.series(connection, number)["series_id"].to_list()
        span = inputs.Range(*read_range(site, days))
        began = time.perf_counter()
        rows = sum(len(batch) for batch in inputs.rows(connection, reader, ids, span))
        return {"what": "only reading", "seconds": time.perf_counter() - began, "readings": rows}


def parts(url: str, size: Size, processes: int) -> dict[str, Any]:
    """Compute the parts of the first span, which are the same for any number of processes, and nothing else."""
    now = size.until + LATENESS + timedelta(days=1)
    with (
        connect(url, "bench", autocommit=True) as connection,
        inputs.open_adbc(url) as reader,
        Pool(processes) as pool,
        connection.transaction(force_rollback=True),
    ):
        pool.start()
        number, site = site_id(connection, SITE), snapshot(connection, SITE, now)
        place = derived.Place(number, asset_ids(connection, number))
        span = Span(tuple(each_day(FIRST_DAY, size.last_day)))
        most = KpiSettings(database_url=url).kpi_part_rows
        scene = Scene(connection, reader, place, site, span, now, Pool(CUT_FOR), most)
        with reading(replace(scene, pool=pool)) as found:
            given = parts_of(scene, found)
            began = time.perf_counter()
            done = pool.run(given)
            seconds = time.perf_counter() - began
    what = f"{len(given)} parts, {_processes(processes)}"
    return {"what": what, "seconds": seconds, "readings": sum(each.readings for each in done)}


def job(url: str, size: Size, processes: int) -> dict[str, Any]:
    """Compute what is dirty and store it."""
    began = time.perf_counter()
    now = size.until + LATENESS + timedelta(days=1)
    done = run_once(url, site=SITE if size.sites == 1 else None, now=now, processes=processes)
    return {
        "what": f"job, {_processes(processes)}" if done.values_new else "job, nothing new",
        "seconds": time.perf_counter() - began,
        "readings": done.readings,
        "values": done.values_new,
        "stages": dict(done.stages),
    }


def forget(url: str, size: Size, _: int) -> dict[str, Any]:
    """Drop everything that the job wrote and mark the readings dirty."""
    with connect(url, "bench", autocommit=True) as connection:
        connection.execute(_SQL["forget_derived"])
    return mark(url, size, 1)


def mark(url: str, size: Size, _: int) -> dict[str, Any]:
    """Have everything computed again."""
    with connect(url, "bench", autocommit=True) as connection:
        for key in size.keys:
            mark_site(connection, key, size)
    return {"what": "mark", "seconds": 0.0, "readings": 0}


def _processes(number: int) -> str:
    return f"{number} process{'es' if number > 1 else ''}"


def main() -> int:
    """Do what the arguments name."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    what: dict[str, Callable[[str, Size, int], dict[str, Any]]] = {
        "read": read, "parts": parts, "job": job, "forget": forget, "mark": mark
    }  # fmt: skip
    given = json.loads(sys.argv[2])
    before = database_seconds(given["url"])
    found = what[sys.argv[1]](given["url"], Size(**given["size"]), given["processes"])
    own, children = os.times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + children.ru_maxrss * (given["processes"] - 1)
    found["processor_s"] = own.user + own.system + own.children_user + own.children_system
    found["database_s"] = database_seconds(given["url"]) - before
    found["peak_mb"] = memory / _KB
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
