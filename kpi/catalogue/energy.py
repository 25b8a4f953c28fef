"""Catalogue: electricity."""

import polars as pl

from kpi.catalogue.columns import CLASSED, GOOD, classed_kwh, good_pieces
from kpi.catalogue.energy_parts import PARTS
from kpi.catalogue.entry import COARSE, OF_INTERVALS, Aggregation, Basis, Direction, Kpi
from model.vocabulary import Grain

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
    inputs=("energy_kwh", *GOOD),
    numerator=pl.col("energy_kwh"),
    denominator=good_pieces(),
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
    formula="kWh of the demand intervals / (peak * their hours)",
    unit="1",
    basis=Basis.DEMAND,
    inputs=("demand_kwh", "peak_kw", "demand_hours"),
    numerator=pl.col("demand_kwh"),
    denominator=pl.col("peak_kw") * pl.col("demand_hours"),
    direction=Direction.UP,
    upper=1.0,
    aggregation=Aggregation.INTERVAL_SERIES,
    source="BCC",
    definition_version=2,
    grains=COARSE,
)
IDLE_CLASSES = ("delay", "down_no_order", "planned_down", "not_scheduled")
_idle_inputs = tuple(f"{name}_kwh" for name in IDLE_CLASSES)
_OF_DAYS = frozenset({Grain.DAY, Grain.WEEK, Grain.MONTH})

IDLE_ENERGY = Kpi(
    id="idle_energy",
    name_vi="Điện năng khi không sản xuất",
    name_en="Idle energy",
    explanation_vi="Điện năng khi máy dừng, chờ, nghỉ theo kế hoạch hoặc ngoài ca; lý do xem trong phần giải thích.",
    explanation_en="Energy in stops, waits, planned stops and outside shifts; by reason in the explanation.",
    formula="energy while delay, down without order, planned down or not scheduled",
    unit="kWh",
    basis=Basis.ENERGY_TIME,
    inputs=_idle_inputs,
    numerator=pl.sum_horizontal(_idle_inputs),
    direction=Direction.DOWN,
    lower=None,
    sparse=True,
)
IDLE_ENERGY_SHARE = Kpi(
    id="idle_energy_share",
    name_vi="Tỷ lệ điện năng khi không sản xuất",
    name_en="Idle energy share",
    explanation_vi="Phần điện năng khi không sản xuất trong điện năng đã biết trạng thái máy.",
    explanation_en="Idle energy over the energy of which is known what the machine did.",
    formula="idle_energy / energy with a known time class",
    unit="1",
    basis=Basis.ENERGY_TIME,
    inputs=tuple(f"{name}_kwh" for name in CLASSED),
    numerator=pl.sum_horizontal(_idle_inputs),
    denominator=classed_kwh(),
    direction=Direction.DOWN,
    upper=1.0,
    grains=COARSE,
)
BASE_LOAD = Kpi(
    id="base_load",
    name_vi="Tải nền ngoài ca",
    name_en="Base load outside shifts",
    explanation_vi="Công suất trung bình trong các khoảng đo nằm hẳn ngoài ca và đủ mọi đồng hồ.",
    explanation_en="Mean power over the demand intervals wholly outside shifts in which no meter was silent.",
    formula="kWh outside shifts / hours outside shifts",
    unit="kW",
    basis=Basis.DEMAND,
    inputs=("base_load_kwh", "base_load_hours"),
    numerator=pl.col("base_load_kwh"),
    denominator=pl.col("base_load_hours"),
    direction=Direction.DOWN,
    lower=None,
    aggregation=Aggregation.INTERVAL_SERIES,
    grains=_OF_DAYS,
)

_OF_MAINS = COARSE | {Grain.HOUR}
ENERGY_SUBMETERED = Kpi(
    id="energy_submetered",
    name_vi="Điện năng qua đồng hồ nhánh",
    name_en="Sub-metered energy",
    explanation_vi="Phần điện năng của đồng hồ tổng mà các đồng hồ nhánh cũng đo.",
    explanation_en="What the sub-meters measure of the energy of the main meters.",
    formula="sum of sub-meters * share",
    unit="kWh",
    basis=Basis.SUBMETER,
    inputs=("submetered_kwh",),
    numerator=pl.col("submetered_kwh"),
    lower=None,
    grains=_OF_MAINS,
)
ENERGY_UNEXPLAINED = Kpi(
    id="energy_unexplained",
    name_vi="Điện năng chưa giải thích",
    name_en="Unexplained energy",
    explanation_vi="Đồng hồ tổng trừ các đồng hồ nhánh: tổn thất, tải không đo, hoặc đồng hồ sai (khi âm).",
    explanation_en="Main meters less their sub-meters: losses, loads without a meter, or a wrong meter where negative.",
    formula="main meters - sub-meters * share",
    unit="kWh",
    basis=Basis.SUBMETER,
    inputs=("main_kwh", "submetered_kwh"),
    numerator=pl.col("main_kwh") - pl.col("submetered_kwh"),
    direction=Direction.DOWN,
    lower=None,
    grains=_OF_MAINS,
)
SUBMETERED_SHARE = Kpi(
    id="submetered_share",
    name_vi="Tỷ lệ điện năng qua đồng hồ nhánh",
    name_en="Sub-metered share",
    explanation_vi="Điện năng các đồng hồ nhánh trên điện năng đồng hồ tổng.",
    explanation_en="Energy of the sub-meters over that of the main meters.",
    formula="sub-meters * share / main meters",
    unit="1",
    basis=Basis.SUBMETER,
    inputs=("main_kwh", "submetered_kwh"),
    numerator=pl.col("submetered_kwh"),
    denominator=pl.col("main_kwh"),
    direction=Direction.UP,
    lower=None,
    grains=COARSE,
)
ENTRIES = (
    ENERGY,
    SPECIFIC_ENERGY,
    DEMAND_PEAK,
    LOAD_FACTOR,
    BASE_LOAD,
    IDLE_ENERGY,
    IDLE_ENERGY_SHARE,
    *PARTS,
    ENERGY_SUBMETERED,
    ENERGY_UNEXPLAINED,
    SUBMETERED_SHARE,
)
