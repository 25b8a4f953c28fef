"""How far a value can be trusted: coverage, completeness, status and flags, as expressions over wide rows."""

from collections.abc import Iterator, Sequence

import polars as pl
from polars.expr.whenthen import Then

from kpi.carbon.market import covered_kwh
from kpi.catalogue import Basis, Kpi
from kpi.catalogue.columns import calendar, faster_than_ideal, planned_busy, uncounted

LEAST_VALUES = 25  # our rule: by fewer values a capability is not judged
_TIME_BASED = frozenset({Basis.TIME, Basis.PERFORMANCE, Basis.MAINTENANCE})
METERED = frozenset(
    {
        *(Basis.ENERGY, Basis.DEMAND, Basis.CARBON, Basis.MARKET, Basis.BASELINE),
        *(Basis.ENERGY_TIME, Basis.SUBMETER, Basis.REACTIVE, Basis.COST, Basis.BILL),
        Basis.CAPACITY,
    }
)
_OF_RECORDS = frozenset({Basis.RECORD, Basis.SAMPLE, Basis.SCOPE1})
_PIECES = frozenset({Basis.COUNT, Basis.PERFORMANCE})
_unattributed = pl.col("unattributed_good") + pl.col("unattributed_reject")

_BY_RULE = _TIME_BASED | _PIECES
OF_REJECTS = frozenset({"reduced yield", "process defects"})
_no_start_up = (pl.col("counted_setup_s") == 0) & (pl.col("ideal_total_s") > pl.col("ideal_good_s"))


def coverage() -> pl.Expr:
    """1 - unknown / PBT; null where nothing was planned."""
    return pl.when(planned_busy() > 0).then(1.0 - pl.col("unknown_s") / planned_busy())


def completeness(kpi: Kpi) -> pl.Expr:
    """Received over expected readings, else seconds with a signal over seconds; at most 1."""
    metered = _share(pl.col("energy_received"), pl.col("energy_expected"))
    if kpi.basis is Basis.SUBMETER:  # a silent sub-meter would pass for energy that nothing explains
        return pl.min_horizontal(metered, _share(pl.col("submeter_received"), pl.col("submeter_expected")))
    if kpi.basis in METERED:
        return pl.min_horizontal(metered, _of_machines()) if kpi.per_piece else metered
    return pl.min_horizontal(metered, _of_machines()) if kpi.basis is Basis.CBAM_ENERGY else _of_machines()


def _of_machines() -> pl.Expr:
    covered = _share(calendar() - pl.col("unknown_s"), calendar())
    return pl.when(pl.col("expected") > 0).then(_share(pl.col("received"), pl.col("expected"))).otherwise(covered)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(pl.min_horizontal(part / whole, pl.lit(1.0)))


def doubts(kpi: Kpi) -> list[pl.Expr]:
    """What makes a value one of low confidence: columns unknown_time, few_readings and few_values.

    Over rows with the columns coverage, gate and completeness.
    """
    return [
        _too_little_known(kpi).alias("unknown_time"),
        _too_little_came(kpi).alias("few_readings"),
        _too_few(kpi).alias("few_values"),
    ]


def status() -> pl.Expr:
    """Status of a row with the columns is_final, why_missing and those of `doubts`."""
    return (
        pl.when(~pl.col("is_final"))
        .then(pl.lit("provisional"))
        .when(pl.col("why_missing").is_not_null())
        .then(pl.col("why_missing"))
        .when(pl.any_horizontal("unknown_time", "few_readings", "few_values"))
        .then(pl.lit("low_confidence"))
        .otherwise(pl.lit("final"))
    )


def _too_little_known(kpi: Kpi) -> pl.Expr:
    """Whether the time that no signal tells is more than the gate of the site allows."""
    if kpi.basis not in _TIME_BASED:
        return pl.lit(value=False)
    return (pl.col("coverage") < pl.col("gate")).fill_null(value=False)


def _too_little_came(kpi: Kpi) -> pl.Expr:
    """Whether less of what was due came than the gate of the site asks for; business records are not due."""
    if kpi.basis in _OF_RECORDS:
        return pl.lit(value=False)
    return (pl.col("completeness") < pl.col("gate")).fill_null(value=False)


def sample_family(kpi: Kpi) -> str:
    """Which values a capability is made of: sample (all), run or subgroup; '' for other KPIs."""
    return next(
        (name.removesuffix("_n") for name in kpi.inputs if name.endswith("_n") and kpi.basis is Basis.SAMPLE), ""
    )


def _too_few(kpi: Kpi) -> pl.Expr:
    """Whether a capability is told by fewer values than one may judge by; a mere number of them is not."""
    family = sample_family(kpi)
    if not family or kpi.denominator is None:
        return pl.lit(value=False)
    return pl.col(f"{family}_n") < LEAST_VALUES


def _low_reasons(kpi: Kpi) -> Iterator[Then]:
    """Flags that name why a value is below the gate."""
    due = "energy_expected" if kpi.basis in METERED else "expected"
    gap = "gap_energy" if kpi.basis in METERED else "gap"
    was_due = pl.col(due) > 0
    was_due = was_due | (pl.col("submeter_expected") > 0) if kpi.basis is Basis.SUBMETER else was_due
    yield pl.when(pl.col("few_readings") & was_due).then(pl.lit("missing_samples"))
    yield pl.when("few_values").then(pl.lit("few_values"))
    yield pl.when("unknown_time").then(pl.lit("unknown_time"))
    low = pl.col("unknown_time") | pl.col("few_readings")
    yield pl.when(low & pl.col("marks").list.contains(gap)).then(pl.lit(gap))


def flags(kpi: Kpi) -> list[pl.Expr]:
    """What a reader of the value should know: the name of each flag where it holds, else null.

    Over rows with the columns is_final, why_missing and those of `doubts`.
    """
    found = [pl.when(test).then(pl.lit(name)) for name, (bases, test) in sorted(_FLAGS.items()) if kpi.basis in bases]
    if kpi.per_piece:
        found.append(pl.when(_unattributed > 0).then(pl.lit("unattributed")))
    if kpi.loss in OF_REJECTS:
        found.append(pl.when(_no_start_up).then(pl.lit("startup_not_told")))
    if kpi.basis in _BY_RULE:
        found.append(pl.when(pl.col("rule") != "").then(pl.concat_str(pl.lit("line_"), pl.col("rule"))))
    found.append(pl.when(~pl.col("is_final")).then(pl.col("why_missing")))  # once final it is the status
    return [*found, *_low_reasons(kpi)]


def marked(kpi: Kpi) -> pl.Expr:
    """Those findings of the computation that are flags of the KPI."""
    return pl.col("marks").list.set_intersection(list(_MARKS.get(kpi.basis, ())))


def sorted_flags(names: Sequence[str], marks: str | None) -> pl.Expr:
    """List each flag once, in order, from columns with the names of flags and one with a list of marks."""
    if not names and marks is None:
        return pl.lit([], pl.List(pl.String))
    held = [pl.concat_list(names).list.drop_nulls()] if names else []
    return pl.concat_list(*held, *([marks] if marks else [])).list.unique().list.sort()


_FLAGS: dict[str, tuple[frozenset[Basis], pl.Expr]] = {
    "performance_gt_1": (
        frozenset({Basis.PERFORMANCE}),
        faster_than_ideal(),
    ),
    "made_outside_plan": (_PIECES, (pl.col("good_outside") + pl.col("reject_outside")) > 0),
    "state_from_records": (_TIME_BASED, pl.col("from_records_s") > 0),
    "assume_order": (_TIME_BASED, pl.col("assumed_order_s") > 0),
    "unattributed": (_PIECES, _unattributed > 0),
    "anomaly": (_PIECES, pl.col("anomaly") > 0),
    "units_without_counts": (
        frozenset({Basis.PERFORMANCE}),
        pl.col("has_counts") & uncounted(),
    ),
    "factor_year_lag": (frozenset({Basis.CARBON, Basis.MARKET, Basis.CBAM_ENERGY}), pl.col("lagging_rows") > 0),
    "no_direct_records": (
        frozenset({Basis.CBAM}),
        (pl.col("scope1_rows") == 0) & (pl.col("precursor_direct_t") == 0),
    ),
    "no_residual_mix": (
        frozenset({Basis.MARKET}),
        (pl.col("no_residual_rows") > 0) & (covered_kwh() < pl.col("energy_kwh")),
    ),
    "contract_not_qualified": (frozenset({Basis.MARKET}), pl.col("contract_not_qualified")),
    "outside_baseline": (frozenset({Basis.BASELINE}), pl.col("baseline_outside") > 0),
    "energy_unclassed": (
        frozenset({Basis.ENERGY_TIME}),
        pl.col("unclassed_kwh") > 0,
    ),
    "partial_demand": (frozenset({Basis.DEMAND, Basis.CAPACITY}), pl.col("demand_partial")),
}
_OF_MACHINES, _OF_METERS = ("flat_line", "out_of_range"), ("flat_line_energy", "out_of_range_energy")
# Findings of the computation that become flags of the values they touch.
_MARKS: dict[Basis, tuple[str, ...]] = {
    Basis.TIME: ("conflict",),
    Basis.MAINTENANCE: ("conflict",),
    Basis.COUNT: ("conflict", "partial_start", *_OF_MACHINES),
    Basis.PERFORMANCE: ("conflict", "partial_start", *_OF_MACHINES),
    Basis.ENERGY: ("conflict", "partial_start_energy", *_OF_METERS),
    **dict.fromkeys(
        (
            *(Basis.DEMAND, Basis.CAPACITY, Basis.ENERGY_TIME),
            *(Basis.SUBMETER, Basis.REACTIVE, Basis.COST, Basis.BILL),
        ),
        ("conflict", "partial_start_energy", *_OF_METERS),
    ),
    Basis.CARBON: ("conflict", "partial_start_energy", *_OF_METERS),
    Basis.MARKET: ("conflict", "partial_start_energy", *_OF_METERS),
    Basis.CBAM: ("conflict", "partial_start", *_OF_MACHINES),
    Basis.CBAM_ENERGY: ("conflict", "partial_start", "partial_start_energy", *_OF_MACHINES, *_OF_METERS),
    Basis.BASELINE: ("conflict", "partial_start", "partial_start_energy", *_OF_METERS),
}
