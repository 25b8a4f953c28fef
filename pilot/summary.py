"""What the chain did, read from the database: messages, readings, KPIs of the newest whole shift per line."""

from dataclasses import dataclass
from typing import Any

from store.pool import connect
from store.queries import load


@dataclass(frozen=True)
class Stage:
    """A stage of the chain: what it should have done, what it did."""

    name: str
    result: str
    ok: bool


@dataclass(frozen=True)
class LineResult:
    """KPIs of one line on one production day, availability as the factor of OEE; null where there is none."""

    line: str
    day: str
    oee: float | None
    availability: float | None
    effectiveness: float | None
    quality: float | None
    energy_kwh: float | None
    co2e_kg: float | None


@dataclass(frozen=True)
class Summary:
    """Stages and lines; `ok` when every stage did its part."""

    stages: list[Stage]
    lines: list[LineResult]

    @property
    def ok(self) -> bool:
        return all(stage.ok for stage in self.stages)

    def plus(self, stage: Stage) -> "Summary":
        """Add a stage."""
        return Summary([*self.stages, stage], self.lines)


def received_messages(database_url: str) -> int:
    """Messages that ingest has taken and accounted for."""
    return int(_one(database_url, "summary_received")[0])


def summarize(database_url: str, site: str, published: int) -> Summary:
    """Compare what was published with what each stage shows."""
    received, rejected, decoded, stored, duplicate, conflict, rejected_value = _one(database_url, "summary_accounts")
    values, finals = _one(database_url, "summary_values", site=site)
    lines = [LineResult(*row) for row in _all(database_url, "summary_lines", site=site)]
    computed = [line for line in lines if line.oee is not None]
    stages = [
        Stage("published", f"{published:,} messages", published > 0),
        Stage("received", f"{received:,} messages, {rejected:,} rejected", received >= published and rejected == 0),
        Stage(
            "stored",
            f"{stored:,} of {decoded:,} values ({duplicate:,} doubled, {conflict:,} in conflict)",
            stored > 0 and decoded == stored + duplicate + conflict + rejected_value,
        ),
        Stage("computed", f"{values:,} KPI values, {finals:,} of them final", values > 0),
        Stage("OEE", f"of {len(computed)} of {len(lines)} lines", bool(lines) and len(computed) == len(lines)),
    ]
    return Summary(stages, lines)


def _one(database_url: str, statement: str, **parameters: Any) -> tuple[Any, ...]:
    return _all(database_url, statement, **parameters)[0]


def _all(database_url: str, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connect(database_url, "summary") as connection:
        return connection.execute(load("summary")[statement], parameters).fetchall()
