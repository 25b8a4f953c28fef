"""Catalogue: electricity."""

import polars as pl

from kpi.catalogue.entry import COARSE, OF_INTERVALS, Aggregation, Basis, Direction, Kpi

_good = pl.col("good") + pl.col("good_outside") + pl.col("unattributed_good")

ENERGY = Kpi(
    id="energy",
    name_vi="Điện năng",
    name_en="Energy",
    explanation_vi="Điện năng tiêu thụ, theo đồng hồ gần nhất.",
    explanation_en="Electricity used, by the nearest meters.",
    formula="sum of kWh",
    unit="kWh",
    basis=Basis.ENERGY,
    inputs=("energy_kwh",),
    numerator=pl.col("energy_kwh"),
    direction=Direction.DOWN,
    lower=None,
)
SPECIFIC_ENERGY = Kpi(
    id="specific_energy",
    name_vi="Suất tiêu hao điện năng",
    name_en="Specific energy",
    explanation_vi="Điện năng trên một sản phẩm đạt; để xem, không dùng để đánh giá khi có tải nền lớn.",
    explanation_en="Energy per good piece: for display, not for judgement where the base load is large.",
    formula="energy / GQ",
    unit="kWh/piece",
    basis=Basis.ENERGY,
    inputs=("energy_kwh", "good", "good_outside", "unattributed_good"),
    numerator=pl.col("energy_kwh"),
    denominator=_good,
    direction=Direction.DOWN,
    lower=None,
    source="ISO 50006:2014",
    per_piece=True,
)
DEMAND_PEAK = Kpi(
    id="demand_peak",
    name_vi="Công suất đỉnh",
    name_en="Demand peak",
    explanation_vi="Công suất trung bình lớn nhất của một khoảng đo, tổng các đồng hồ trước rồi mới lấy lớn nhất.",
    explanation_en="Highest mean power of a demand interval, meters summed first.",
    formula="max over intervals of the sum of mean kW",
    unit="kW",
    basis=Basis.DEMAND,
    inputs=("peak_kw",),
    numerator=pl.col("peak_kw"),
    direction=Direction.DOWN,
    lower=None,
    aggregation=Aggregation.INTERVAL_SERIES,
    grains=OF_INTERVALS,
)
LOAD_FACTOR = Kpi(
    id="load_factor",
    name_vi="Hệ số phụ tải",
    name_en="Load factor",
    explanation_vi="Công suất trung bình trên công suất đỉnh, trong các khoảng có số đo.",
    explanation_en="Mean power over peak power, over the hours that were metered.",
    formula="energy / (peak * hours)",
    unit="1",
    basis=Basis.DEMAND,
    inputs=("energy_kwh", "peak_kw", "demand_hours"),
    numerator=pl.col("energy_kwh"),
    denominator=pl.col("peak_kw") * pl.col("demand_hours"),
    direction=Direction.UP,
    upper=1.0,
    aggregation=Aggregation.INTERVAL_SERIES,
    source="BCC",
    grains=COARSE,
)
ENTRIES = (ENERGY, SPECIFIC_ENERGY, DEMAND_PEAK, LOAD_FACTOR)
