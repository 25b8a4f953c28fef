"""Catalogue: energy performance against a frozen baseline (ISO 50006)."""

import polars as pl

from kpi.catalogue.entry import Basis, Direction, Kpi
from model.vocabulary import Grain

_GRAINS = frozenset({Grain.DAY, Grain.WEEK, Grain.MONTH})  # a baseline is fitted over days or weeks
_EXPECTED = ("baseline_days", "baseline_fixed_kwh", "baseline_driver_kwh")
_SOURCE = "ISO 50006:2014"
_expected = pl.col("baseline_fixed_kwh") + pl.col("baseline_driver_kwh")

ENERGY_EXPECTED = Kpi(
    id="energy_expected",
    name_vi="Điện năng kỳ vọng",
    name_en="Expected energy",
    explanation_vi="Điện năng mà đường cơ sở đã chốt cho phép với sản lượng của các ngày.",
    explanation_en="Energy that the frozen baseline expects for what the driver was on these days.",
    formula="c * days + sum of m * driver",
    unit="kWh",
    basis=Basis.BASELINE,
    inputs=_EXPECTED,
    numerator=_expected,
    lower=None,
    source=_SOURCE,
    grains=_GRAINS,
)
ENERGY_SAVING = Kpi(
    id="energy_saving",
    name_vi="Điện năng tiết kiệm (chuẩn hóa)",
    name_en="Energy saving, normalised",
    explanation_vi="Điện năng kỳ vọng trừ điện năng thực tế; dương là tiết kiệm.",
    explanation_en="Expected minus actual energy of the days with a baseline: positive is saved.",
    formula="expected - actual",
    unit="kWh",
    basis=Basis.BASELINE,
    inputs=(*_EXPECTED, "baseline_actual_kwh"),
    numerator=_expected - pl.col("baseline_actual_kwh"),
    direction=Direction.UP,
    lower=None,
    source=_SOURCE,
    grains=_GRAINS,
)
ENERGY_PERFORMANCE = Kpi(
    id="energy_performance",
    name_vi="Chỉ số hiệu quả năng lượng (EnPI)",
    name_en="Energy performance (EnPI)",
    explanation_vi="Điện năng thực tế trên điện năng kỳ vọng; dưới 1 là tốt hơn đường cơ sở.",
    explanation_en="Actual over expected energy: below 1 is better than the baseline.",
    formula="actual / expected",
    unit="1",
    basis=Basis.BASELINE,
    inputs=(*_EXPECTED, "baseline_actual_kwh"),
    numerator=pl.col("baseline_actual_kwh"),
    denominator=_expected,
    direction=Direction.DOWN,
    source=_SOURCE,
    grains=_GRAINS,
)
ENTRIES = (ENERGY_EXPECTED, ENERGY_SAVING, ENERGY_PERFORMANCE)
