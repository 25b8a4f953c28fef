"""Catalogue: pieces, and the indices that weigh them with their ideal time."""

import polars as pl

from kpi.catalogue.columns import GOOD, good_pieces
from kpi.catalogue.entry import COARSE, WITHOUT_HOUR, Basis, Direction, Kpi

_ISO = "ISO 22400-2:2014"

_unattributed = pl.col("unattributed_good") + pl.col("unattributed_reject")
_good = good_pieces()
_reject = pl.col("reject") + pl.col("reject_outside") + pl.col("unattributed_reject")
_outside = pl.col("good_outside") + pl.col("reject_outside")
_apt = pl.col("counted_production_s")
_pbt = pl.col("counted_planned_busy_s")
_aupt = _apt + pl.col("counted_setup_s")


def _while_producing(value: pl.Expr, otherwise: float | None) -> pl.Expr:
    return pl.when(_apt > 0).then(value).otherwise(otherwise)


def _cut(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """A factor cut at 1; zero where there is no whole, since the product is then zero or without a value anyway."""
    return pl.when(whole > 0).then(pl.min_horizontal(part / whole, pl.lit(1.0))).otherwise(0.0)


# Performance and quality refer to all pieces counted while production was planned, valued at their ideal time.
_performance = _cut(pl.col("ideal_total_s"), _apt)
_quality = _cut(pl.col("ideal_good_s"), pl.col("ideal_total_s"))
_capped_oee = _cut(_apt, _pbt) * _performance * _quality
_good_ideal = _while_producing(pl.col("ideal_good_s"), 0.0)


_Texts = tuple[str, str, str, str, str]


def _pieces(id_: str, value: pl.Expr, inputs: tuple[str, ...], texts: _Texts, direction: Direction) -> Kpi:
    vi, en, about_vi, about_en, formula = texts
    return Kpi(
        id=id_,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=formula,
        unit="piece",
        basis=Basis.COUNT,
        inputs=inputs,
        numerator=value,
        direction=direction,
        source=_ISO,
        sparse=True,
    )


_REJECT = ("reject", "reject_outside", "unattributed_reject")
PIECES = (
    _pieces("produced_quantity", _good + _reject, GOOD + _REJECT, (
        "Sản lượng", "Produced quantity (PQ)", "Tất cả sản phẩm đếm được, kể cả ngoài kế hoạch.",
        "All pieces counted, also those made outside the plan.", "GQ + SQ"), Direction.UP),
    _pieces("good_quantity", _good, GOOD, (
        "Sản lượng đạt", "Good quantity (GQ)", "Số sản phẩm đạt chất lượng.",
        "Pieces that met quality.", "sum of good pieces"), Direction.UP),
    _pieces("scrap_quantity", _reject, _REJECT, (
        "Số phế phẩm", "Scrap quantity (SQ)", "Số sản phẩm bị loại.",
        "Pieces rejected.", "sum of rejected pieces"), Direction.DOWN),
    _pieces("made_outside_plan", _outside, ("good_outside", "reject_outside"), (
        "Sản xuất ngoài kế hoạch", "Made outside the plan",
        "Sản phẩm làm ngoài thời gian bận theo kế hoạch, không tính vào OEE.",
        "Pieces made outside planned busy time: left out of OEE.", "pieces outside PBT"), Direction.NONE),
    _pieces("unattributed_quantity", _unattributed, ("unattributed_good", "unattributed_reject"), (
        "Sản lượng không rõ thời điểm", "Unattributed quantity",
        "Bộ đếm nhảy qua khoảng mất tín hiệu: có trong tổng, không vào hiệu suất.",
        "Counter jumps over a gap: in totals, not in performance.", "pieces of jumps over gaps"), Direction.DOWN),
)  # fmt: skip

EFFECTIVENESS = Kpi(
    id="effectiveness",
    iso_name="effectiveness",
    iso_number=9,
    name_vi="Hiệu suất",
    name_en="Effectiveness (performance)",
    explanation_vi="Thời gian lý tưởng của mọi sản phẩm trên thời gian sản xuất; trên 1 là chu kỳ lý tưởng sai.",
    explanation_en="Ideal time of all pieces over production time; above 1 the ideal cycle is wrong.",
    formula="sum(PRI_i * PQ_i) / APT",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_total_s", "counted_production_s"),
    numerator=_while_producing(pl.col("ideal_total_s"), None),
    denominator=_apt,
    capped=_while_producing(pl.min_horizontal(pl.col("ideal_total_s"), _apt), None),
    direction=Direction.UP,
    source=_ISO,
)
QUALITY_RATIO = Kpi(
    id="quality_ratio",
    iso_name="quality ratio",
    iso_number=10,
    name_vi="Tỷ lệ chất lượng",
    name_en="Quality ratio",
    explanation_vi="Thời gian lý tưởng của sản phẩm đạt so với của mọi sản phẩm (để A × E × Q = OEE).",
    explanation_en="Ideal time of good pieces over that of all pieces, so that A × E × Q = OEE.",
    formula="sum(PRI_i * GQ_i) / sum(PRI_i * PQ_i)",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_good_s", "ideal_total_s", "counted_production_s"),
    numerator=_while_producing(pl.col("ideal_good_s"), None),
    denominator=pl.col("ideal_total_s"),
    capped=_while_producing(pl.min_horizontal(pl.col("ideal_good_s"), pl.col("ideal_total_s")), None),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
)
QUALITY_BY_COUNT = Kpi(
    id="quality_by_count",
    name_vi="Tỷ lệ đạt theo số lượng",
    name_en="Quality by count",
    explanation_vi="Số sản phẩm đạt trên tổng số sản phẩm, không xét chu kỳ.",
    explanation_en="Good pieces over all pieces, whatever their cycle.",
    formula="GQ / PQ",
    unit="1",
    basis=Basis.COUNT,
    inputs=("good", "reject"),
    numerator=pl.col("good"),
    denominator=pl.col("good") + pl.col("reject"),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
)
SCRAP_RATIO = Kpi(
    id="scrap_ratio",
    iso_name="scrap ratio",
    iso_number=16,
    name_vi="Tỷ lệ phế phẩm",
    name_en="Scrap ratio",
    explanation_vi="Số phế phẩm trên tổng số sản phẩm.",
    explanation_en="Rejected pieces over all pieces.",
    formula="SQ / PQ",
    unit="1",
    basis=Basis.COUNT,
    inputs=("good", "reject"),
    numerator=pl.col("reject"),
    denominator=pl.col("good") + pl.col("reject"),
    direction=Direction.DOWN,
    upper=1.0,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
OEE = Kpi(
    id="oee",
    iso_name="overall equipment effectiveness index",
    iso_number=6,
    name_vi="OEE (hiệu suất thiết bị tổng thể)",
    name_en="OEE",
    explanation_vi="Thời gian lý tưởng của sản phẩm đạt trên thời gian bận theo kế hoạch.",
    explanation_en="Ideal time of good pieces over planned busy time.",
    formula="availability * effectiveness * quality_ratio = sum(PRI_i * GQ_i) / PBT",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_good_s", "ideal_total_s", "counted_production_s", "counted_planned_busy_s"),
    numerator=_good_ideal,
    denominator=_pbt,
    capped=_capped_oee * _pbt,
    direction=Direction.UP,
    source=_ISO,
)
NEE = Kpi(
    id="nee",
    iso_name="net equipment effectiveness index",
    iso_number=7,
    name_vi="NEE (hiệu suất thiết bị thuần)",
    name_en="NEE",
    explanation_vi="Như OEE nhưng coi thời gian chuẩn bị là thời gian sử dụng.",
    explanation_en="As OEE, with setup counted as used time.",
    formula="AUPT / PBT * effectiveness * quality_ratio",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_good_s", "counted_production_s", "counted_setup_s", "counted_planned_busy_s"),
    numerator=_while_producing(pl.col("ideal_good_s") * _aupt / _apt, 0.0),
    denominator=_pbt,
    direction=Direction.UP,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
TEEP = Kpi(
    id="teep",
    name_vi="TEEP",
    name_en="TEEP",
    explanation_vi="OEE nhân mức sử dụng thời gian lịch.",
    explanation_en="OEE times loading: good ideal time over calendar time.",
    formula="oee * loading = sum(PRI_i * GQ_i) / calendar time",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_good_s", "counted_production_s", "counted_planned_busy_s", "counted_calendar_s"),
    numerator=_good_ideal,
    denominator=pl.when(_pbt > 0).then(pl.col("counted_calendar_s")),
    direction=Direction.UP,
    source="SMRP; LEANWORX",
    grains=COARSE,
)
OOE = Kpi(
    id="ooe",
    name_vi="OOE (hiệu suất vận hành tổng thể)",
    name_en="OOE",
    explanation_vi="Như OEE nhưng tính cả dừng theo kế hoạch vào thời gian vận hành: mẫu số là thời gian trong ca.",
    explanation_en="As OEE, over all scheduled time: planned stops count as loss.",
    formula="sum(PRI_i * GQ_i) / (PBT + planned down)",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("ideal_good_s", "counted_production_s", "counted_planned_busy_s", "counted_planned_down_s"),
    numerator=_good_ideal,
    denominator=_pbt + pl.col("counted_planned_down_s"),
    direction=Direction.UP,
    source="overall operations effectiveness; SMRP keeps planned stops in availability",
    grains=WITHOUT_HOUR,
)
AVAILABILITY_OF_OEE = Kpi(
    id="oee_availability",
    name_vi="Mức sẵn sàng (thừa số của OEE)",
    name_en="Availability (factor of OEE)",
    explanation_vi="Mức sẵn sàng của những máy có đếm sản phẩm, để A × E × Q = OEE ở mọi cấp; "
    "bằng mức sẵn sàng khi mọi máy đều đếm.",
    explanation_en="Availability of the units that count pieces, so that A × E × Q = OEE at every level; "
    "equal to availability where all units count.",
    formula="APT / PBT of counting units",
    unit="1",
    basis=Basis.PERFORMANCE,
    inputs=("counted_production_s", "counted_planned_busy_s"),
    numerator=_apt,
    denominator=_pbt,
    capped=pl.min_horizontal(_apt, _pbt),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
)
ENTRIES = (
    *PIECES,
    EFFECTIVENESS,
    QUALITY_RATIO,
    QUALITY_BY_COUNT,
    SCRAP_RATIO,
    AVAILABILITY_OF_OEE,
    OEE,
    NEE,
    OOE,
    TEEP,
)
