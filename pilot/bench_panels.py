"""How long the statements of the Grafana boards take over a range, as the role that Grafana has."""

import json
import time
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from psycopg import ClientCursor

from dashboards.sending import Asked, expand, panels
from pilot.bench_used import database_seconds
from store.pool import connect, with_user

BOARDS = ("line-overview",)


@dataclass(frozen=True)
class Panel:
    """A panel: the median of some runs from sending to the last row, and the database's processor time of one."""

    title: str
    rows: int
    milliseconds: float
    slowest_ms: float
    database_ms: float


def measure(url: str, asked: Asked, repeat: int) -> list[Panel]:
    """Time all panels, the slowest first; each is run once before, so that its rows are in memory.

    Args:
        url: of the database, as its owner.
        asked: range and choices.
        repeat: runs of each that count.
    """
    found = [_measured(url, title, expand(sql, asked), repeat) for title, sql in statements()]
    return sorted(found, key=lambda panel: -panel.milliseconds)


def statements() -> list[tuple[str, str]]:
    """Title and statement of every panel of every board."""
    return [
        (f"{panel['title']} (newest)" if panel["type"] == "stat" else str(panel["title"]), str(target["rawSql"]))
        for name in BOARDS
        for panel in panels(_board(name))
        for target in panel["targets"]
    ]


def _board(name: str) -> dict[str, Any]:
    text = (files("dashboards") / "generated" / "boards" / f"{name}.json").read_text("utf-8")
    board: dict[str, Any] = json.loads(text)
    return board


def _measured(url: str, title: str, sql: str, repeat: int) -> Panel:
    with connect(with_user(url, "haidang_grafana"), "bench", autocommit=True) as connection:
        cursor = ClientCursor(connection)
        rows = len(cursor.execute(sql.encode()).fetchall())
        before, took = database_seconds(url), []
        for _ in range(repeat):
            began = time.perf_counter()
            cursor.execute(sql.encode()).fetchall()
            took.append((time.perf_counter() - began) * 1000)
        used = database_seconds(url) - before
    return Panel(title, rows, sorted(took)[repeat // 2], max(took), used / repeat * 1000)
