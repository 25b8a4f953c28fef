"""`python -m kpi.docs` writes docs/kpi-catalogue.md from the catalogue; a test fails when the page is not current."""

from pathlib import Path
from typing import Any

from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.feeding import needs
from model.vocabulary import Grain

PAGE = "docs/kpi-catalogue.md"
_HEAD = """# KPI catalogue

Generated from `kpi/catalogue/` by `python -m kpi.docs`; do not edit. `haidang kpi catalogue` shows the same, with
`--site` what a site feeds and what is missing there; `GET /v1/kpis` gives it to programs. Ratios are stored as
fractions, durations in seconds. Sums come first and ratios last: every value of every window and scope is made from
the same base sums, so no mean of ratios exists anywhere.

- **Value** is numerator over denominator; without a positive denominator there is none (null, never 0 or NaN).
- **No production time** while production was planned: availability 0, performance and quality without a value, OEE
  0.
- **Status**: `provisional` while the window is open; then `final`, `low_confidence` (coverage below 0.95),
  `no_ideal_cycle` (pieces without an ideal cycle), `no_factor` (no emission factor of the grid zone),
  `no_tariff` (no price of electricity in force), `no_data`.
- **Coverage** is 1 − unknown / PBT; **completeness** is received over expected readings of periodic series, else
  the share of time with a signal. Both stand beside every value.
- **Hours** keep values only: an hour without a value has no row, nor has a time or quantity of zero. An hour is cut
  at the border of a production day.
- **Scopes**: an asset with a signal of its own stands for itself; otherwise the rule of its settings (`roll_up`) says
  how its units stand for it, and a flag states the rule beside every value:
  - `sum`: time and counts of all units are added (machine hours; serial units count each piece again).
  - `parallel`: the same sums, of machines that do one step side by side: their output adds up, and they are one step
    of the rolled throughput yield (flag `line_parallel`).
  - `constraint`: time and counts of the unit that `constraint` names (flag `line_constraint`).
  - `last`: the counts, and the ideal time they stand for, of the unit that `last` names, in the time of the
    constraint if one is named, else of that last unit itself (flag `line_last`). Time of several serial units is never
    added under counts of one: it would divide one output by many times.

  Units that count no pieces are left out of OEE and its factor `oee_availability` (flag `units_without_counts`), not
  of `availability`.
- **Losses**: the leaves `not_scheduled_time`, `planned_down_time`, `down_no_order_time`, `unknown_time`, `setup_time`,
  `fault_time`, `starved_time`, `blocked_time`, `micro_stop_time`, `delay_other_time`, `uncounted_production_time`,
  `reduced_speed_loss`, `startup_loss`, `defect_loss` and `good_ideal_time` add up to the window. Where pieces have no
  ideal cycle, or nothing was produced, `production_time` stands whole for the last five.
- **Pieces** are those between two readings of a counter and belong to the later one: to the interval, job, product and
  window that the instant ends (a reading at the end of a shift counts in that shift).
- **Ideal cycle**: of the routings in force the one that names most of asset (or one above it), product and tool; of
  equals one with a tool before one with a product, then the nearest asset, then the newest.
- **Stops** are judged by what the machine told, before the calendar cuts them. A state that needs parts is production
  where something was counted in that stretch of it on that production day, else a delay. A micro-stop is a whole stop
  without reason or cause, not annotated, between two stretches of production and not longer than the unit's limit.
- **Failures** are stretches of fault. Planned stops and closed time neither end one nor count as its repair time; all
  else ends it, lost signals too. Operating time between two failures belongs to the window in which the second begins.
- **Energy** of a scope is that of the nearest meters at or below it; a unit of kind `meter` that `relations` do not
  name measures all of what it hangs on. What a main meter and a sub-meter both measure is
  counted once, at the main one; meters below a main meter are its sub-meters unless `relations` say otherwise. Energy
  flows evenly between two readings and goes to the time classes, jobs and products of the machine's own intervals; a
  unit of kind `meter` takes those of what it hangs on, a line at its constraint those of the constraint. Parts by
  class, by tariff period, by job and by product add up to the meter's total with a rest that is shown.
- **Cost** takes the price in force at the local date and period of use, in VND; `factor_set` names the tariffs.
- **Capped** variants cut each factor at 1 after summing, before multiplying; hours have none.
- **Records**: what telemetry cannot know (orders, attendance, inspection, maintenance, inventory) comes with
  `haidang records import`. A record belongs whole to the window in which it ends; records of everything at or below a
  scope are added. Without its records a KPI has no row.
- **Measured values** (`inspection` records with `characteristic` and `value` or `values`) are placed between the limits
  that hold for them: those of the record (`lower`, `upper`), else `spec_limits` of the site file, of the product
  before those of all. Sums in halves of the tolerance add up over windows, machines and products. A run (`run`, else
  what one shift makes of a product and order) and a subgroup (`subgroup`, else the values of one record) belong whole
  to the window in which they close and end with the production day; the standard deviation within several of them is
  pooled. Fewer than two values, no deviation or no limits give no value; with one limit only the critical indices
  exist. The variant of a value is the name of its characteristic.
- **Measured series**: with `spec_low` and `spec_high`, or `spec_limits` that name `asset` and `series` (by product and
  date), each usable reading while the unit produces, or always where it has no time model, is a measured value. Its
  characteristic is the name of the series unless the limits say another; `subgroup_size` readings (5 where nothing is
  said) of a run, one after the other, make a subgroup, what is left over makes none. Sums are in the order of time.
  Neighbouring readings of a fast series depend on each other, which makes Cp and Cpk look better than Pp and Ppk.
- Fewer than 25 measured values are of low confidence (`few_values`; our rule). `measured_values`, `measured_mean` and
  `measured_deviation` say what the indices were judged by.
- **Energy records** (`energy`: `medium`, `amount`, `unit`, `mj_per_unit`, `source`, `exchanged_mj`) carry the
  conversion with its source. Electricity comes from meters and fuels from `fuel` records, never from here.
- A failure and its repair time belong whole to the window in which the failure closes; open intervals are not
  extrapolated.
- A demand interval belongs to the window in which it begins; a week or month belongs to the production days it
  holds.

| flag | what it says |
| --- | --- |
| `performance_gt_1` | pieces were made faster than the ideal cycle allows: the cycle is wrong |
| `made_outside_plan` | pieces were made outside planned busy time: counted, left out of OEE |
| `state_from_records` | time comes from production records, not from a machine signal |
| `assume_order` | stops count as delay although no order is known |
| `unattributed` | a counter jumped over a gap: in totals, not in performance |
| `anomaly` | impossible counter jumps were left out and are listed by `haidang kpi findings` |
| `partial_start`, `partial_start_energy` | a counter was first seen inside the window |
| `conflict` | another value was sent for one that is stored; the first one stands |
| `units_without_counts` | some units of the scope count nothing and are left out |
| `line_constraint`, `line_last`, `line_parallel` | the rule by which the units of the line stand for it |
| `startup_not_told` | there were rejects but no setup time: those of start-up cannot be told from steady ones |
| `factor_year_lag` | the newest emission factor is of an earlier year |
| `no_direct_records` | no record of a fuel, refrigerant or precursor: direct embedded emissions of none |
| `energy_unclassed` | part of the energy has no time class: a gap, or a meter of nothing with a state |
| `few_values` | a capability from fewer than 25 values |
| `partial_demand` | a meter of the scope was silent in some interval |
| `withdrawn` | an earlier final value can no longer be computed |
"""


def catalogue_page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *(_entry(kpi) for kpi in CATALOGUE.values())])


def described(kpi: Kpi) -> dict[str, Any]:
    """All that is to be said of a KPI, in plain values."""
    texts = (
        "id",
        "iso_number",
        "iso_name",
        "name_vi",
        "name_en",
        "explanation_vi",
        "explanation_en",
        "formula",
        "unit",
    )
    more = ("lower", "upper", "source", "record", "loss", "definition_version")
    return {
        **{name: getattr(kpi, name) for name in texts},
        "direction": kpi.direction.value,
        "basis": kpi.basis.value,
        "aggregation": kpi.aggregation.value,
        **{name: getattr(kpi, name) for name in more},
        "inputs": list(kpi.inputs),
        "needs": [need.lacking for need in needs(kpi)],
        "grains": [grain.value for grain in Grain if grain in kpi.grains],
        "timing": list(kpi.timing),
        "variants": list(kpi.variants),
    }


def _entry(kpi: Kpi) -> str:
    iso = f"ISO 22400-2 no. {kpi.iso_number}, *{kpi.iso_name}*. " if kpi.iso_number else ""
    bounds = f"{'' if kpi.lower is None else f'{kpi.lower:g}'}…{'' if kpi.upper is None else f'{kpi.upper:g}'}"
    grains = ", ".join(grain.value for grain in Grain if grain in kpi.grains)
    variants = "" if kpi.capped is None else " Variants: as defined, `capped`."
    if kpi.basis is Basis.SAMPLE:
        variants = " Variants: the name of each characteristic."
    loss = f" One of the six big losses: {kpi.loss}." if kpi.loss else ""
    wanted = "; ".join(need.lacking for need in needs(kpi))
    return (
        f"## `{kpi.id}`: {kpi.name_en}\n\n{kpi.name_vi}. {kpi.explanation_vi}\n\n"
        f"{iso}{kpi.explanation_en}{loss}{variants}\n\n"
        f"- formula: `{kpi.formula}` ({kpi.unit}), better {kpi.direction.value}, range {bounds}\n"
        f"- from: {', '.join(f'`{name}`' for name in kpi.inputs)}; aggregation {kpi.aggregation.value}\n"
        f"- needs: {wanted}\n"
        f"- windows: {grains}; wanted {', '.join(kpi.timing)}\n"
        f"- definition {kpi.definition_version}; source {kpi.source}\n"
    )


if __name__ == "__main__":
    Path(PAGE).write_text(catalogue_page(), "utf-8")
