"""`haidang bench api`: answers of the API at a fixed rate, beside the SQL of Grafana's panels over the same year.

A database with a year of a site is made for it. The API runs as its own process with a real key, the client as another
one; what each used of the processors is told per answer, because they share them.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil
from rich.console import Console
from rich.table import Table

from dashboards.sending import Asked
from pilot import bench_panels
from pilot.bench_api_client import Answered, Work, percentile
from pilot.bench_api_site import FIRST_DAY, KPIS, SITE, Size, fill
from pilot.bench_used import database_seconds
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from pilot.ports import LOCALHOST, free_port, wait_for_port
from pilot.services import running
from store.migrate import migrate
from store.pool import with_user

START_S = 60.0
WARM_S = 2.0
DAYS, MONTHS, MIXED = "1 asset × days", "all assets × months", "both in turn"


@dataclass(frozen=True)
class Options:
    """How much, how fast, how long."""

    size: Size = field(default_factory=Size)
    rate: float = 200.0
    seconds: float = 20.0
    repeat: int = 5
    panels: bool = True


@dataclass(frozen=True)
class Result:
    """Latencies in ms from when a request was due; processor time in ms of an answer, by who used it."""

    what: str
    rows: str
    answers: int
    answer_kb: float
    errors: dict[str, int]
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    api_cpu_ms: float
    database_cpu_ms: float
    client_cpu_ms: float
    connections: int

    @property
    def good(self) -> bool:
        return not self.errors


@dataclass(frozen=True)
class Api:
    """A running API over the database."""

    url: str
    port: int
    pid: int
    key: str

    def used(self) -> tuple[float, float]:
        """Seconds of processors so far: of the API, of the database."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system, database_seconds(self.url)


def main(options: Options, *, as_json: bool) -> int:
    """Measure and print; 1 where an answer failed or had other rows than are stored."""
    tell = Console(stderr=True, highlight=False)
    with filled(options.size, tell) as (url, key):
        with served(url, key) as api:
            answers = [run(api, what, paths, rows, options) for what, paths, rows in loads(api, options.size)]
        shown = bench_panels.measure(url, asked(options.size), options.repeat) if options.panels else []
    if as_json:
        found = {"rate": options.rate, "answers": list(map(asdict, answers)), "panels": list(map(asdict, shown))}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(options, answers, shown)
    return 0 if all(each.good for each in answers) else 1


@contextmanager
def filled(size: Size, tell: Console) -> Iterator[tuple[str, str]]:
    """Give a database of its own with a year of a site, and a key to it."""
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            began = time.monotonic()
            key = fill(url, size)
            tell.print(f"{size.assets} assets × {size.days} days stored in {time.monotonic() - began:.0f} s")
            yield url, key


@contextmanager
def served(url: str, key: str) -> Iterator[Api]:
    """Run the API over a database for the time of the context.

    Raises:
        PilotError: it does not answer.
    """
    port = free_port()
    environment = {
        "HAIDANG_DATABASE_URL": with_user(url, "haidang_api"),
        "HAIDANG_SESSION_SECRET": token_hex(32),
        "HAIDANG_API_PORT": str(port),
    }
    with (
        tempfile.TemporaryDirectory(prefix="haidang-bench-") as logs,
        running("api", environment, Path(logs)) as service,
    ):
        if not wait_for_port(port, START_S):
            raise PilotError(service.ended() or f"The API did not answer within {START_S:.0f} s.")
        yield Api(url, port, service.process.pid, key)


def loads(api: Api, size: Size) -> list[tuple[str, list[str], str]]:
    """What is asked: a name, the paths in turn, the rows of an answer; of each kind the rows are counted first.

    Raises:
        PilotError: an answer has not the rows that are stored.
    """
    days = [path(kpi, "day", size, asset=key) for key in size.keys for kpi in KPIS]
    days = days[:: max(1, len(days) // 200)]
    months = [path(kpi, "month", size, limit=str(size.assets * size.months)) for kpi in KPIS]
    for paths, rows in ((days[:1], size.days), (months, size.assets * size.months)):
        for each in paths:
            _check(api, each, rows)
    both = [each for number, one in enumerate(days) for each in (one, months[number % len(months)])]
    counts = (str(size.days), str(size.assets * size.months))
    return [(DAYS, days, counts[0]), (MONTHS, months, counts[1]), (MIXED, both, " and ".join(counts))]


def path(kpi: str, grain: str, size: Size, **more: str) -> str:
    """The path of an answer over all of the stored time."""
    until = (size.last_day + timedelta(days=1)).isoformat()
    wanted = {"site": SITE, "grain": grain, "from": FIRST_DAY.isoformat(), "to": until, **more}
    return f"/v1/kpis/{kpi}/values?{urlencode(wanted)}"


def run(api: Api, what: str, paths: Sequence[str], rows: str, options: Options) -> Result:
    """Ask at the rate for so long, after a while that does not count."""
    work = Work(LOCALHOST, api.port, api.key, tuple(paths), options.rate, min(WARM_S, options.seconds))
    _ask(work)
    api_s, database_s = api.used()
    found = _ask(Work(**{**vars(work), "seconds": options.seconds, "seed": 2}))
    api_after, database_after = api.used()
    count = max(1, len(found.latencies_ms))
    p50, p95, p99, most = (percentile(found.latencies_ms, share) for share in (0.5, 0.95, 0.99, 1.0))
    return Result(
        what=what,
        rows=rows,
        answers=len(found.latencies_ms),
        answer_kb=found.bytes / count / 1000,
        errors={each: found.errors.count(each) for each in sorted(set(found.errors))},
        per_s=len(found.latencies_ms) / found.seconds,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=most,
        api_cpu_ms=(api_after - api_s) * 1000 / count,
        database_cpu_ms=(database_after - database_s) * 1000 / count,
        client_cpu_ms=found.processor_s * 1000 / count,
        connections=found.connections,
    )


def asked(size: Size) -> Asked:
    """All of the stored time, all lines, as a board opens."""
    first = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
    lines = [f"{SITE}/{key}" for key in size.lines]
    choices: dict[str, str | list[str]] = {"site": SITE, "line": lines, "grain": "auto", "lang": "en"}
    return Asked(first, first + timedelta(days=size.days), choices)


def _check(api: Api, wanted: str, rows: int) -> None:
    request = Request(f"http://{LOCALHOST}:{api.port}{wanted}", headers={"Authorization": f"Bearer {api.key}"})
    with urlopen(request, timeout=START_S) as answer:  # noqa: S310 - our own API
        page: dict[str, Any] = json.load(answer)
    if len(page["items"]) != rows or page["next_cursor"] is not None:
        raise PilotError(f"{wanted} has {len(page['items'])} rows, {rows} are stored.")


def _ask(work: Work) -> Answered:
    command = [sys.executable, "-m", "pilot.bench_api_client"]
    done = subprocess.run(command, input=work.to_json(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PilotError(f"The client of the benchmark failed:\n{done.stderr}")
    return Answered(**json.loads(done.stdout))


def _print(options: Options, answers: list[Result], shown: list[bench_panels.Panel]) -> None:
    console = Console(highlight=False, width=150)
    title = f"API at {options.rate:g} requests/s, each due at a random time fixed before"
    table = Table("answer", title=title, title_justify="left", box=None)
    names = ("rows", "kB", "answers/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
    for name in (*names, "CPU ms: API", "database", "client"):
        table.add_column(name, justify="right")
    for each in answers:
        errors = ", ".join(f"{count} × {name}" for name, count in each.errors.items()) or "0"
        times = (each.p50_ms, each.p95_ms, each.p99_ms, each.max_ms)
        used = (each.api_cpu_ms, each.database_cpu_ms, each.client_cpu_ms)
        numbers = (f"{each.answer_kb:.0f}", f"{each.per_s:.1f}", *(f"{ms:.1f}" for ms in times))
        table.add_row(each.what, each.rows, *numbers, errors, *(f"{ms:.2f}" for ms in used))
    console.print(table)
    if not shown:
        return
    table = Table("panel", title=f"Grafana panels over {options.size.days} days", title_justify="left", box=None)
    for name in ("rows", "ms", "slowest ms", "database CPU ms"):
        table.add_column(name, justify="right")
    for panel in shown:
        took = (panel.milliseconds, panel.slowest_ms, panel.database_ms)
        table.add_row(panel.title, f"{panel.rows:,}", *(f"{ms:.1f}" for ms in took))
    console.print(table)
    console.print(f"Slowest panel: {shown[0].title}, {shown[0].milliseconds:.0f} ms")
