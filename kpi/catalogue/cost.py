"""Catalogue: what electricity costs, by the tariff in force, and the power factor with its surcharge."""

import polars as pl

from kpi.catalogue.columns import GOOD, good_pieces
from kpi.catalogue.entry import COARSE, Aggregation, Basis, Direction, Kpi
from model.tariffs import reactive_rule
from model.vocabulary import Grain

_PERIODS = "EVN, Decision 1279/QD-BCT and the site's own tariffs"
_RULE = reactive_rule()
_HALF_UP = 0.5 + 1e-6  # 40.625 is billed as 40.63, although division in binary gives a hair less

ENERGY_COST = Kpi(
    id="energy_cost",
    name_vi="Tiền điện (chưa VAT)",
    name_en="Energy cost, without VAT",
    explanation_vi="Điện năng nhân giá của khung giờ tại ngày dùng; không có giá thì không có giá trị, không phải 0.",
    explanation_en="Energy times the price of its period at the date of use; without a price there is no value, not 0.",
    formula="sum of kWh * price in force",
    unit="VND",
    basis=Basis.COST,
    inputs=("cost",),
    numerator=pl.col("cost"),
    direction=Direction.DOWN,
    lower=None,
    source=_PERIODS,
)
ENERGY_COST_WITH_VAT = Kpi(
    id="energy_cost_with_vat",
    name_vi="Tiền điện (có VAT)",
    name_en="Energy cost with VAT",
    explanation_vi="Tiền điện cộng thuế giá trị gia tăng theo thuế suất tại ngày dùng.",
    explanation_en="Energy cost and value added tax at the rate of the date of use.",
    formula="sum of kWh * price * (1 + VAT)",
    unit="VND",
    basis=Basis.COST,
    inputs=("cost", "cost_vat"),
    numerator=pl.col("cost") + pl.col("cost_vat"),
    direction=Direction.DOWN,
    lower=None,
    source="Resolution 204/2025/QH15",
    grains=COARSE | {Grain.JOB, Grain.PRODUCT},
)
SPECIFIC_ENERGY_COST = Kpi(
    id="specific_energy_cost",
    name_vi="Tiền điện trên một sản phẩm đạt",
    name_en="Energy cost per good piece",
    explanation_vi="Tiền điện chưa VAT trên một sản phẩm đạt.",
    explanation_en="Energy cost without VAT per good piece.",
    formula="energy_cost / GQ",
    unit="VND/piece",
    basis=Basis.COST,
    inputs=("cost", *GOOD),
    numerator=pl.col("cost"),
    denominator=good_pieces(),
    direction=Direction.DOWN,
    lower=None,
    grains=COARSE | {Grain.JOB, Grain.PRODUCT},
    per_piece=True,
)

_demand = pl.when(pl.col("demand_price").is_not_null()).then(pl.col("peak_kw") * pl.col("demand_price")).otherwise(0.0)
DEMAND_COST = Kpi(
    id="demand_cost",
    name_vi="Tiền công suất (chưa VAT)",
    name_en="Demand cost, without VAT",
    explanation_vi="Giá công suất nhân công suất đỉnh của tháng, khi biểu giá có hai thành phần.",
    explanation_en="Price per kW of a two-part tariff times the highest demand of the month.",
    formula="demand_peak of the month * price per kW in force at its end",
    unit="VND",
    basis=Basis.CAPACITY,
    inputs=("peak_kw", "demand_price"),
    numerator=_demand,
    direction=Direction.DOWN,
    lower=None,
    aggregation=Aggregation.INTERVAL_SERIES,
    source="the site's own tariff; no price is shipped: the trial of EVN was seen once, without prices",
    grains=frozenset({Grain.MONTH}),
)

_apparent = (pl.col("beside_reactive_kwh").pow(2) + pl.col("reactive_kvarh").pow(2)).sqrt()
POWER_FACTOR = Kpi(
    id="power_factor",
    name_vi="Hệ số công suất",
    name_en="Power factor",
    explanation_vi="Từ điện năng tác dụng và phản kháng của kỳ, của các đồng hồ đo cả hai.",
    explanation_en="From active and reactive energy of the window, of the meters that measure both.",
    formula="kWh / sqrt(kWh^2 + kvarh^2)",
    unit="1",
    basis=Basis.REACTIVE,
    inputs=("beside_reactive_kwh", "reactive_kvarh"),
    numerator=pl.col("beside_reactive_kwh"),
    denominator=_apparent,
    direction=Direction.UP,
    upper=1.0,
    source="EVN",
    grains=frozenset({Grain.DAY, Grain.WEEK, Grain.MONTH}),
)
_cos_phi = pl.when(_apparent > 0).then(pl.col("beside_reactive_kwh") / _apparent)


def surcharge_percent(cos_phi: pl.Expr) -> pl.Expr:
    """Give the surcharge for an average power factor, in percent of the energy bill, with two decimals as it is billed;
    none where there is no power factor.
    """
    return (
        pl.when(cos_phi.is_null() | (cos_phi >= _RULE.least_cos_phi))
        .then(0.0)
        .when(cos_phi < _RULE.floor_cos_phi)
        .then(_RULE.floor_percent)
        .otherwise(((_RULE.least_cos_phi / cos_phi - 1) * 1e4 + _HALF_UP).floor() / 100)
    )


_percent = pl.when(pl.col("subscribed_kw") < _RULE.from_kw).then(0.0).otherwise(surcharge_percent(_cos_phi))
_BILL_INPUTS = ("cost", "beside_reactive_kwh", "reactive_kvarh", "subscribed_kw")
REACTIVE_SURCHARGE = Kpi(
    id="reactive_surcharge",
    name_vi="Tiền phạt công suất phản kháng",
    name_en="Surcharge for a poor power factor",
    explanation_vi="Chưa VAT; khi công suất đăng ký từ 40 kW và hệ số công suất của tháng dưới 0,9.",
    explanation_en="Without VAT; where 40 kW or more are subscribed and the month's power factor is below 0.9.",
    formula="energy_cost * k, k = 0.9 / cos phi - 1 in percent with two decimals, 52.54 % below 0.6",
    unit="VND",
    basis=Basis.BILL,
    inputs=_BILL_INPUTS,
    numerator=pl.col("cost") * _percent / 100,
    direction=Direction.DOWN,
    lower=None,
    source=_RULE.source,
    definition_version=2,
    grains=frozenset({Grain.MONTH}),
)
_priced = pl.col("demand_price").is_not_null()  # else the rate of VAT of demand may be unknown, and does not matter
_demand_with_vat = pl.when(_priced).then(_demand * (1 + pl.col("demand_vat_rate"))).otherwise(0.0)
ELECTRICITY_BILL = Kpi(
    id="electricity_bill",
    name_vi="Hóa đơn tiền điện",
    name_en="Electricity bill",
    explanation_vi="Tiền điện, tiền phạt công suất phản kháng và tiền công suất của tháng, có VAT.",
    explanation_en="Energy cost, surcharge and, under a two-part tariff, demand cost of the month, with VAT on all.",
    formula="(energy_cost + VAT) * (1 + k) + demand_cost * (1 + VAT rate)",
    unit="VND",
    basis=Basis.BILL,
    inputs=(*_BILL_INPUTS, "cost_vat", "peak_kw", "demand_price", "demand_vat_rate"),
    numerator=(pl.col("cost") + pl.col("cost_vat")) * (1 + _percent / 100) + _demand_with_vat,
    direction=Direction.DOWN,
    lower=None,
    source=_RULE.source,
    definition_version=2,
    grains=frozenset({Grain.MONTH}),
)
ENTRIES = (
    ENERGY_COST,
    ENERGY_COST_WITH_VAT,
    SPECIFIC_ENERGY_COST,
    POWER_FACTOR,
    REACTIVE_SURCHARGE,
    DEMAND_COST,
    ELECTRICITY_BILL,
)
