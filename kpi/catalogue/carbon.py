"""Catalogue: greenhouse gases of electricity, fuels and refrigerants, and embedded emissions of goods."""

import polars as pl

from kpi.carbon.market import covered_kwh, market_kg
from kpi.catalogue.columns import GOOD, good_pieces
from kpi.catalogue.entry import COARSE, Basis, Direction, Kpi
from model.vocabulary import Grain

_FUELS = ("fuel_co2_kg", "fuel_ch4_co2e_kg", "fuel_n2o_co2e_kg")
_SCOPE1 = (*_FUELS, "refrigerant_co2e_kg")
_MARKET = ("energy_kwh", "shared_kwh", "shared_kg", "rest_kg", "contract_kwh", "contract_kg")
_MONTH = frozenset({Grain.MONTH})
_GUIDANCE = "GHG Protocol Scope 2 Guidance"
_IPCC = "IPCC 2006, volume 2; GHG Protocol"
_CBAM = "Implementing Regulation (EU) 2025/2547"


def _sum(names: tuple[str, ...]) -> pl.Expr:
    return pl.sum_horizontal(*names)


CO2E_LOCATION = Kpi(
    id="co2e_location",
    name_vi="Phát thải CO2e (theo vị trí)",
    name_en="CO2e, location-based",
    explanation_vi="Phạm vi 2, điện mua: điện năng nhân hệ số lưới điện của năm tiêu thụ.",
    explanation_en="Scope 2, bought electricity: energy times the grid factor of the time of use.",
    formula="sum of kWh * factor valid at the time",
    unit="kg",
    basis=Basis.CARBON,
    inputs=("co2e_kg",),
    numerator=pl.col("co2e_kg"),
    direction=Direction.DOWN,
    lower=None,
    source="GHG Protocol Scope 2 Guidance; Circular 38/2023/TT-BCT",
)
SPECIFIC_CO2E = Kpi(
    id="specific_co2e",
    name_vi="Suất phát thải CO2e",
    name_en="Specific CO2e",
    explanation_vi="Phát thải điện trên một sản phẩm đạt.",
    explanation_en="Emissions of electricity per good piece.",
    formula="co2e_location / GQ",
    unit="kg/piece",
    basis=Basis.CARBON,
    inputs=("co2e_kg", *GOOD),
    numerator=pl.col("co2e_kg"),
    denominator=good_pieces(),
    direction=Direction.DOWN,
    lower=None,
    source=_GUIDANCE,
    grains=COARSE,
    per_piece=True,
)
CO2E_MARKET = Kpi(
    id="co2e_market",
    name_vi="Phát thải CO2e (theo thị trường)",
    name_en="CO2e, market-based",
    explanation_vi="Phạm vi 2 của cả nhà máy theo tháng: phần có hợp đồng theo hệ số hợp đồng, phần còn lại theo hệ số"
    " dư của lưới (không có thì theo hệ số lưới, có ghi chú).",
    explanation_en="Scope 2 of the whole site by month: what contracts cover at their factors, the rest at the residual"
    " mix (the grid average where there is none, which is flagged).",
    formula="shared_kg + contract_kg * covered / contract_kwh + rest_kg * (1 - covered / uncovered)",
    unit="kg",
    basis=Basis.MARKET,
    inputs=_MARKET,
    numerator=market_kg(),
    direction=Direction.DOWN,
    lower=None,
    source=_GUIDANCE,
    grains=_MONTH,
)
SPECIFIC_CO2E_MARKET = Kpi(
    id="specific_co2e_market",
    name_vi="Suất phát thải CO2e (theo thị trường)",
    name_en="Specific CO2e, market-based",
    explanation_vi="Phát thải điện theo thị trường trên một sản phẩm đạt.",
    explanation_en="Market-based emissions of electricity per good piece.",
    formula="co2e_market / GQ",
    unit="kg/piece",
    basis=Basis.MARKET,
    inputs=(*_MARKET, *GOOD),
    numerator=market_kg(),
    denominator=good_pieces(),
    direction=Direction.DOWN,
    lower=None,
    source=_GUIDANCE,
    grains=_MONTH,
    per_piece=True,
)
CONTRACT_COVERAGE = Kpi(
    id="contract_coverage",
    name_vi="Tỷ lệ điện có hợp đồng",
    name_en="Share of electricity under contract",
    explanation_vi="Phần điện năng của tháng có hợp đồng hoặc chứng chỉ đạt tiêu chí.",
    explanation_en="Share of a month's electricity that qualified contracts or certificates cover.",
    formula="(shared_kwh + min(uncovered, contract_kwh)) / energy",
    unit="1",
    basis=Basis.MARKET,
    inputs=("energy_kwh", "shared_kwh", "contract_kwh"),
    numerator=covered_kwh(),
    denominator=pl.col("energy_kwh"),
    direction=Direction.UP,
    upper=1.0,
    source=_GUIDANCE,
    grains=_MONTH,
)
CO2E_SCOPE1 = Kpi(
    id="co2e_scope1",
    name_vi="Phát thải trực tiếp (phạm vi 1)",
    name_en="CO2e, scope 1",
    explanation_vi="Nhiên liệu đốt và môi chất lạnh bổ sung; không gồm CO2 sinh học.",
    explanation_en="Fuels burned and refrigerants topped up; biogenic CO2 stands apart.",
    formula="sum of TJ * (ef_co2 + ef_ch4 * gwp + ef_n2o * gwp) + sum of kg refrigerant * gwp",
    unit="kg",
    basis=Basis.SCOPE1,
    inputs=_SCOPE1,
    numerator=_sum(_SCOPE1),
    direction=Direction.DOWN,
    lower=None,
    source=_IPCC,
    grains=COARSE,
    record="fuel",
)
CO2E_REFRIGERANT = Kpi(
    id="co2e_refrigerant",
    name_vi="Phát thải môi chất lạnh",
    name_en="CO2e of refrigerants",
    explanation_vi="Phần của phạm vi 1 do môi chất lạnh bổ sung, xem như đã thất thoát.",
    explanation_en="The part of scope 1 from refrigerant topped up, taken as lost.",
    formula="sum of kg * gwp",
    unit="kg",
    basis=Basis.SCOPE1,
    inputs=("refrigerant_kg", "refrigerant_co2e_kg"),
    numerator=pl.col("refrigerant_co2e_kg"),
    direction=Direction.DOWN,
    lower=None,
    source=_IPCC,
    grains=COARSE,
    record="refrigerant",
)
CO2_BIOGENIC = Kpi(
    id="co2_biogenic",
    name_vi="CO2 sinh học",
    name_en="Biogenic CO2",
    explanation_vi="CO2 từ đốt sinh khối, báo cáo riêng, không cộng vào phạm vi 1.",
    explanation_en="CO2 of burned biomass: reported apart, not in scope 1.",
    formula="sum of TJ of biomass * ef_co2",
    unit="kg",
    basis=Basis.SCOPE1,
    inputs=("biogenic_co2_kg",),
    numerator=pl.col("biogenic_co2_kg"),
    lower=None,
    source=_IPCC,
    grains=COARSE,
    record="fuel",
)
SPECIFIC_CO2E_SCOPE1 = Kpi(
    id="specific_co2e_scope1",
    name_vi="Suất phát thải trực tiếp",
    name_en="Specific CO2e, scope 1",
    explanation_vi="Phát thải phạm vi 1 trên một sản phẩm đạt.",
    explanation_en="Scope 1 emissions per good piece.",
    formula="co2e_scope1 / GQ",
    unit="kg/piece",
    basis=Basis.SCOPE1,
    inputs=(*_SCOPE1, *GOOD),
    numerator=_sum(_SCOPE1),
    denominator=good_pieces(),
    direction=Direction.DOWN,
    lower=None,
    source=_IPCC,
    grains=COARSE,
    per_piece=True,
    record="fuel",
)
CBAM_DIRECT = Kpi(
    id="cbam_see_direct",
    name_vi="Phát thải hàm chứa riêng, trực tiếp (CBAM)",
    name_en="Specific embedded emissions, direct (CBAM)",
    explanation_vi="Phát thải trực tiếp của hàng và của tiền chất trên một tấn hàng đạt; khối lượng theo sản phẩm.",
    explanation_en="Direct emissions of the goods and their precursors per tonne of good pieces, by product mass.",
    formula="(scope 1 in t + sum of m_i * see_i) / activity level in t",
    unit="t/t",
    basis=Basis.CBAM,
    inputs=(*_SCOPE1, "precursor_direct_t", "good_kg"),
    numerator=_sum(_SCOPE1) / 1000.0 + pl.col("precursor_direct_t"),
    denominator=pl.col("good_kg") / 1000.0,
    direction=Direction.DOWN,
    lower=None,
    source=_CBAM,
    grains=COARSE,
)
CBAM_INDIRECT = Kpi(
    id="cbam_see_indirect",
    name_vi="Phát thải hàm chứa riêng, gián tiếp (CBAM)",
    name_en="Specific embedded emissions, indirect (CBAM)",
    explanation_vi="Phát thải của điện dùng cho hàng và của tiền chất trên một tấn hàng đạt; để riêng với trực tiếp.",
    explanation_en="Emissions of the electricity of the goods and their precursors per tonne, apart from direct ones.",
    formula="(scope 2 in t + sum of m_i * see_i) / activity level in t",
    unit="t/t",
    basis=Basis.CBAM_ENERGY,
    inputs=("co2e_kg", "precursor_indirect_t", "good_kg"),
    numerator=pl.col("co2e_kg") / 1000.0 + pl.col("precursor_indirect_t"),
    denominator=pl.col("good_kg") / 1000.0,
    direction=Direction.DOWN,
    lower=None,
    source=_CBAM,
    grains=COARSE,
)
ENTRIES = (
    *(CO2E_LOCATION, SPECIFIC_CO2E, CO2E_MARKET, SPECIFIC_CO2E_MARKET, CONTRACT_COVERAGE),
    *(CO2E_SCOPE1, SPECIFIC_CO2E_SCOPE1, CO2E_REFRIGERANT, CO2_BIOGENIC, CBAM_DIRECT, CBAM_INDIRECT),
)
