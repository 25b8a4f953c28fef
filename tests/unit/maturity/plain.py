"""Small frameworks, facts and archives for the tests of the rules."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from maturity.evaluate import Baseline
from maturity.facts import VALUES, Facts
from maturity.framework import Condition, Criterion, Framework
from model.registry import Asset, Site

LAST = date(2026, 10, 31)
SITE = Site(
    key="s",
    timezone="Asia/Ho_Chi_Minh",
    assets=(
        Asset(key="", level="site"),
        Asset(key="l", level="line", parent="", constraint_key="b"),
        Asset(key="l/a", level="unit", parent="l"),
        Asset(key="l/b", level="unit", parent="l", critical=True),
        Asset(key="l/m", level="unit", parent="l", kind="meter"),
    ),
)


def text(said: str = "x") -> dict[str, str]:
    return {"vi": said, "en": said}


def criterion(id_: str = "AA-1.1", level: int = 1, **changes: Any) -> dict[str, Any]:
    condition = {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "value": 0.5}}
    plain = {"id": id_, "area": "work", "level": level, "basis": "project", "text": text(), "evidence": "direct"}
    return {**plain, "conditions": [condition], **changes}


def catalogue(*criteria: dict[str, Any], levels: int = 3) -> dict[str, Any]:
    return {
        "key": "test",
        "version": 1,
        "basis": "project",
        "name": text(),
        "publisher": "us",
        "status": "current",
        "disclaimer": text(),
        "sources": {"P1": "https://example.org"},
        "levels": [{"level": n, "key": f"l{n}", "name": text(), "basis": "project"} for n in range(1, levels + 1)],
        "principles": [{"key": "p", "name": text(), "basis": "project"}],
        "areas": [{"key": "work", "principle": "p", "name": text(), "basis": "project"}],
        "technology_groups": [
            {"key": f"T{n}", "name": text(), "content": text(), "basis": "project"} for n in range(3)
        ],
        "criteria": list(criteria),
    }


def framework(*criteria: dict[str, Any], levels: int = 3) -> Framework:
    return Framework.model_validate(catalogue(*criteria, levels=levels))


def parsed(**changes: Any) -> Criterion:
    return Criterion.model_validate(criterion(**changes))


def values(oee: dict[date, tuple[float, float]], scope: str = "l/b", completeness: float = 1.0) -> pl.DataFrame:
    """Rows of OEE by day: numerator and denominator."""
    rows = [
        {
            "scope": scope, "kpi": "oee", "variant": "", "grain": "day", "production_day": day, "shift": "", "job": "",
            "product": "", "from_us": 0, "to_us": 1, "value": num / den, "numerator": num, "denominator": den,
            "coverage": 1.0, "completeness": completeness, "status": "final", "is_final": True, "flags": [],
            "computed_us": 0,
        }
        for day, (num, den) in oee.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=VALUES)


@dataclass
class Shelf:
    """An archive of given values; windows are cut out of them."""

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VALUES))
    baselines: dict[str, Baseline] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)
    begins: date | None = None

    def facts(self, first: date, last: date) -> Facts | None:
        cut = self.rows.filter(pl.col("production_day").is_between(first, last))
        return Facts(site=SITE, first=first, last=last, values=cut, declared=self.declared)

    def baseline(self, condition: Condition, days: int) -> Baseline | None:
        del days
        return self.baselines.get(condition.metric)
