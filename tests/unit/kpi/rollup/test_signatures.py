"""Values of a window hang on its own pieces: computed with other windows or alone, they are the same."""

from dataclasses import replace

import polars as pl
import pytest

from kpi.rollup.rolling import MARKS, RollupInputs, rollup
from model.vocabulary import Grain
from tests.unit.kpi.making import MONDAY, asset, atom, pieces, rollup_inputs, site, time

SHORT = frozenset({Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.PRODUCT})
BY_HAND = site(assets=(*site().assets, asset("m3"), asset("m4", parent="m3")))


def by_hand() -> RollupInputs:
    """Two machines every day, and one that records tell of on the first day and in the second week."""
    rows = []
    for day in (0, 1, 7, 8):
        for key in ("m1", "m2"):
            rows += [time(key, "production", 3600, day=day), *pieces(key, 100.0 + day, day=day)]
        rows.append(time("m4", "unknown", 3600, day=day, origin="none"))
    for day in (0, 8):
        rows += [time("m3", "production", 60, day=day, origin="record"), *pieces("m3", 7, day=day, origin="record")]
        rows.append(atom("line", "attendance_time", day=day, amount=3600.0))
    return rollup_inputs(BY_HAND, rows)


def alone(given: RollupInputs, unit: pl.Expr, grains: frozenset[Grain]) -> pl.DataFrame:
    marked = given.atoms.with_columns(unit.alias("unit"))
    parts = [part.drop("unit") for part in marked.partition_by("unit", maintain_order=True)]
    keys = ("asset", "grain", "production_day", "window_start", "shift", "job", "product", "kpi", "variant")
    return pl.concat([rollup(replace(given, atoms=part), grains) for part in parts]).sort(keys)


@pytest.mark.parametrize(
    ("unit", "grains"),
    [
        (pl.col("production_day"), SHORT),
        (pl.col("production_day").dt.truncate("1w"), frozenset({Grain.WEEK})),
    ],
)
def test_a_window_has_the_values_of_its_own_pieces(unit: pl.Expr, grains: frozenset[Grain]) -> None:
    given = by_hand()
    together = rollup(given, grains)
    assert together.equals(alone(given, unit, grains))


JOB = pl.col("job")


@pytest.mark.parametrize(("conflict", "gap"), [("m1", "m3"), ("m2", "m4"), ("line", "line")])
@pytest.mark.parametrize(
    ("unit", "grains"),
    [(pl.col("production_day"), SHORT), (JOB, frozenset({Grain.JOB}))],
)
def test_a_finding_touches_the_windows_of_its_own_pieces(
    unit: pl.Expr, grains: frozenset[Grain], conflict: str, gap: str
) -> None:
    """Found alike whichever windows are made together: what records tell of one job says nothing of another's."""
    job = pl.when(pl.col("asset").is_in(["m1", "m3", "m4"])).then(pl.lit("o1")).otherwise(pl.lit("o2"))
    given = replace(by_hand(), atoms=by_hand().atoms.with_columns(job=job, product=pl.col("asset")))
    days = given.atoms["production_day"].unique().sort()
    marked = (("conflict", conflict), ("gap", gap))  # each has flags of its own
    marks = [(asset, day, mark) for mark, asset in marked for day in days]
    given = replace(given, marks=pl.DataFrame(marks, MARKS, orient="row"))
    assert rollup(given, grains).equals(alone(given, unit, grains))


def test_a_job_shows_the_findings_of_the_machines_that_worked_at_it() -> None:
    rows = [time(key, "production", 3600, job=job) for key, job in (("m1", "o1"), ("m2", "o2"))]
    marks = pl.DataFrame([("m2", MONDAY, "conflict")], schema=MARKS, orient="row")
    values = rollup(replace(rollup_inputs(site(), rows), marks=marks), frozenset({Grain.JOB, Grain.DAY}))
    flagged = values.filter(pl.col("kpi") == "availability", pl.col("flags").list.contains("conflict"))
    assert set(flagged.select("asset", "grain", "job").rows()) == {
        *(("m2", grain, job) for grain, job in (("day", ""), ("job", "o2"))),
        *(("line", grain, job) for grain, job in (("day", ""), ("job", "o2"))),
        *(("", grain, job) for grain, job in (("day", ""), ("job", "o2"))),
    }
