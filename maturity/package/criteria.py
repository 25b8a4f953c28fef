"""Criteria of a package again: from the values and intervals that came out, and the tables that are only stated."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl
from pydantic import ValidationError

from maturity import facts
from maturity.archive import SiteArchive
from maturity.assessing import Assessment, assess
from maturity.errors import MaturityError, PackageError
from maturity.evaluate import Baseline
from maturity.facts import FRAMES, Declared, Facts
from maturity.framework import Framework
from maturity.package import layout
from maturity.package.compact import plain
from maturity.package.comparing import Verdict, close
from maturity.package.content import Package
from maturity.read_values import are_among, kpis_of

_KEY = list(layout.VALUE_KEY)
_NOT_READ = frozenset({"definition_version", "factor_set", "config_digest", "inputs_digest", "revision", "cause"})
_MADE = ("value", "numerator", "denominator", "coverage", "completeness", "status")


@dataclass(frozen=True)
class About:
    """What belongs to the facts besides tables."""

    config: str
    first: date
    declared: tuple[Declared, ...]
    baselines: Mapping[str, Baseline]
    claimed: Mapping[str, Mapping[str, int]]  # per framework

    def plain(self) -> dict[str, Any]:
        """As it is written."""
        baselines = {
            key: {"value": each.value, "first": str(each.first), "last": str(each.last), "version": each.version}
            for key, each in sorted(self.baselines.items())
        }
        return {
            "config": self.config,
            "first": str(self.first),
            "declared": [asdict(each) for each in self.declared],
            "baselines": baselines,
            "claimed": {key: dict(claims) for key, claims in self.claimed.items()},
        }

    @classmethod
    def parse(cls, said: Any) -> "About":
        """Read what `plain` gave.

        Raises:
            PackageError: it is none.
        """
        try:
            return cls(
                str(said["config"]),
                date.fromisoformat(said["first"]),
                tuple(Declared(**each) for each in said["declared"]),
                {key: _baseline(each) for key, each in said["baselines"].items()},
                {key: {name: int(level) for name, level in each.items()} for key, each in said["claimed"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PackageError(f"{layout.FACTS_ABOUT} is malformed.") from error


@dataclass(frozen=True)
class CriterionAgain:
    """A criterion as it is stated and as it comes out again."""

    framework: str
    id: str
    stated: str
    again: str
    value: float | None
    value_again: float | None
    declared: bool
    verdict: Verdict
    why: str = ""


def about_of(package: Package) -> About:
    """Read what belongs to the facts of a package that holds assessments."""
    return About.parse(package.json(layout.FACTS_ABOUT))


def other_baselines(stated: Mapping[str, Baseline], logged: Mapping[str, Any]) -> Iterator[str]:
    """Say which stated baselines are not those that the log recorded when they were frozen."""
    for key in sorted(set(stated) & set(logged)):
        try:
            is_same = _baseline(logged[key]) == stated[key]
        except (ValueError, KeyError, TypeError):
            is_same = False
        if not is_same:
            yield f"{layout.FACTS_ABOUT}: the baseline of {key} is not the one that the log recorded"


def criteria_again(package: Package, made: pl.DataFrame, intervals: pl.DataFrame) -> Iterator[CriterionAgain]:
    """Evaluate all criteria of a package again.

    Args:
        package: of which the signature and the digests have been checked.
        made: values that came out (kpi.rollup.rolling.VALUES), compact.
        intervals: that came out (kpi.frames.INTERVALS).
    """
    manifest = package.manifest
    if not manifest.frameworks:
        return
    about = about_of(package)
    frameworks = {key: _framework(package, key) for key in manifest.frameworks}
    kpis = kpis_of(frameworks.values())
    known = known_facts(package, about, facts_values(_values(package, made, kpis), kpis), intervals)
    for key, framework in frameworks.items():
        archive = SiteArchive(known, about.baselines, rule=framework.baseline)
        period = (manifest.first, manifest.last)
        again = assess(framework, archive, manifest.site, period, about.claimed.get(key, {}))
        # before the first day of the site there is nothing to compute again
        since = manifest.first if about.first < manifest.first else about.first.min
        yield from _compared(package.json(layout.criteria(key)), again, key, since)


def known_facts(package: Package, about: About, values: pl.DataFrame, intervals: pl.DataFrame) -> Facts:
    """Put the facts together; values as metrics read them.

    Raises:
        PackageError: a stated value or interval is of the period: it would stand beside what was computed.
    """
    # tables that nobody can compute again; of values and intervals those of days outside of the period
    frames = {name: package.frame(layout.facts(name), schema) for name, schema in FRAMES.items()}
    _refuse_stated(frames, package.manifest.first)
    frames["values"] = pl.concat([frames["values"], values])
    frames["intervals"] = pl.concat([frames["intervals"], intervals.select(facts.INTERVALS.names())])
    site, last = package.site(about.config), package.manifest.last
    declared = {each.name: each for each in about.declared}
    return Facts(site=site, first=about.first, last=last, declared=declared, **frames)


def _refuse_stated(frames: Mapping[str, pl.DataFrame], first: date) -> None:
    is_inside = pl.col("production_day") >= first
    open_job = (pl.col("grain") == "job") & ~pl.col("is_final")
    for name, computed in (("values", is_inside & ~open_job), ("intervals", is_inside)):
        days = frames[name].filter(computed)["production_day"].unique().sort().to_list()
        if days:
            raise PackageError(f"{layout.facts(name)} states {name} of {days[0]}, which are computed from readings.")


def facts_values(values: pl.DataFrame, kpis: AbstractSet[str]) -> pl.DataFrame:
    """Rows of layout.VALUES of some KPIs (`read_values.kpis_of`) as metrics read them."""
    named = (
        values.filter(are_among(kpis))
        .rename({"window_start": "from_us", "window_end": "to_us"})
        .with_columns(is_final=pl.lit(value=True))
    )
    return named.select(pl.col(name).cast(dtype) for name, dtype in facts.VALUES.items())


def _values(package: Package, made: pl.DataFrame, kpis: AbstractSet[str]) -> pl.DataFrame:
    """Stated values that metrics read, with what came out in the place of what was stated."""
    wanted = {name: dtype for name, dtype in layout.VALUES.items() if name not in {*_NOT_READ, "flags"}}
    flags = package.frame(layout.VALUES_FILE, pl.Schema({"flags": layout.VALUES["flags"]}))
    stated = package.compact_frame(layout.VALUES_FILE, pl.Schema(wanted)).hstack(flags).filter(are_among(kpis))
    return with_recomputed(plain(stated), plain(made.filter(are_among(kpis))))


def with_recomputed(stated: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """Put what came out in the place of what was stated; flags and times stay as they are stated."""
    made = again.rename({"asset": "scope"}).select(*_KEY, *_MADE, is_made=pl.lit(value=True))
    both = stated.join(made, on=_KEY, how="left", suffix="_again")
    came = pl.col("is_made").is_not_null()
    return both.with_columns(pl.when(came).then(f"{name}_again").otherwise(name).alias(name) for name in _MADE).select(
        stated.columns
    )


def _framework(package: Package, key: str) -> Framework:
    try:
        return Framework.model_validate(package.json(layout.catalogue(key)))
    except (ValidationError, MaturityError) as error:
        raise PackageError(f"{layout.catalogue(key)} is no catalogue that this version of haidang reads.") from error


def _compared(stated: Any, again: Assessment, key: str, since: date) -> Iterator[CriterionAgain]:
    try:
        before = {each["id"]: each for each in stated["criteria"]}
        after = {each["id"]: each for each in again.plain()["criteria"]}
        for name in sorted({*before, *after}):
            yield _of_criterion(key, name, before.get(name), after.get(name), since)
        for what in ("principles", "areas"):
            same = stated[what] == again.plain()[what]
            verdict = Verdict.EQUAL if same else Verdict.DIFFERENT
            yield CriterionAgain(key, f"levels of {what}", "", "", None, None, declared=False, verdict=verdict)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise PackageError(f"{layout.criteria(key)} is no assessment.") from error


def _of_criterion(
    framework: str, name: str, stated: Mapping[str, Any] | None, again: Mapping[str, Any] | None, since: date
) -> CriterionAgain:
    if stated is None or again is None:
        said, found = (each["outcome"] if each else "nothing" for each in (stated, again))
        return CriterionAgain(framework, name, said, found, None, None, declared=False, verdict=Verdict.DIFFERENT)
    one, other = _conditions(stated), _conditions(again)
    same = stated["outcome"] == again["outcome"] and len(one) == len(other)
    same = same and all(a[0] == b[0] and close(a[1], b[1]) for a, b in zip(one, other, strict=True))
    verdict, why = (Verdict.EQUAL if same else Verdict.DIFFERENT), ""
    begins = min(date.fromisoformat(window["first"]) for window in again["windows"])
    if same and begins < since and again["outcome"] != "not_assessable":
        verdict = Verdict.NOT_RECOMPUTABLE
        why = f"its window begins on {begins}, before the package; with what is stated of those days it is the same"
    value, value_again = (next((v for _, v in each if v is not None), None) for each in (one, other))
    return CriterionAgain(
        framework,
        name,
        stated["outcome"],
        again["outcome"],
        value,
        value_again,
        declared=bool(again["declared"]),
        verdict=verdict,
        why=why,
    )


def _conditions(result: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Outcome and value of every comparison, in order."""
    found = (each for window in result["windows"] for each in window["conditions"])
    return [(each["outcome"], None if each["value"] is None else float(each["value"])) for each in found]


def _baseline(said: Mapping[str, Any]) -> Baseline:
    days = date.fromisoformat(said["first"]), date.fromisoformat(said["last"])
    return Baseline(float(said["value"]), *days, int(said["version"]))
