"""Catalogue: what telemetry cannot know, from records of orders, attendance, inspection, maintenance, inventory."""

import polars as pl

from kpi.catalogue.columns import busy, order_execution
from kpi.catalogue.entry import COARSE, Aggregation, Basis, Direction, Kpi
from model.vocabulary import Grain

_ISO = "ISO 22400-2:2014"
_JOB = frozenset({Grain.JOB})
_SPLIT = COARSE | {Grain.JOB, Grain.PRODUCT}
_UP, _DOWN = Direction.UP, Direction.DOWN

Texts = tuple[str, str, str, str]


def _ratio(  # noqa: PLR0913, PLR0917 - an entry is what these say
    id_: str,
    iso: tuple[int, str] | None,
    texts: Texts,
    formula: str,
    parts: tuple[pl.Expr, pl.Expr],
    direction: Direction,
    record: str,
    *,
    grains: frozenset[Grain] = COARSE,
    unit: str = "1",
    upper: float | None = None,
    source: str = _ISO,
) -> Kpi:
    numerator, denominator = parts
    read = dict.fromkeys([*numerator.meta.root_names(), *denominator.meta.root_names()])
    vi, en, about_vi, about_en = texts
    return Kpi(
        id=id_,
        iso_number=iso[0] if iso else None,
        iso_name=iso[1] if iso else None,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=formula,
        unit=unit,
        basis=Basis.RECORD,
        inputs=tuple(read),
        numerator=numerator,
        denominator=denominator,
        direction=direction,
        upper=upper,
        source=source,
        grains=grains,
        record=record,
    )


def _of(name: str) -> pl.Expr:
    return pl.col(name)


_pq = _of("good") + _of("reject")
_consumed = _of("consumed_material")
_one_store = pl.when(_of("inventory_span") > 0).then(_of("inventory_stock_time") / _of("inventory_span"))

PEOPLE_AND_ORDERS = (
    _ratio("worker_efficiency", (1, "worker efficiency"), (
        "Hiệu suất lao động", "Worker efficiency", "Thời gian làm việc theo lệnh trên thời gian có mặt.",
        "Time spent on orders over attendance."),
        "APWT / APAT", (_of("order_work_time"), _of("attendance_time")), _UP, "attendance"),
    _ratio("allocation_ratio", (2, "allocation ratio"), (
        "Tỷ lệ phân bổ", "Allocation ratio", "Thời gian bận trên thời gian thực hiện lệnh.",
        "Busy time of an order over its execution time."),
        "sum(AUBT) / AOET", (busy(), order_execution()), _UP, "order", grains=_JOB),
    _ratio("throughput_rate", (3, "throughput rate"), (
        "Nhịp sản xuất", "Throughput rate", "Sản lượng trên thời gian thực hiện lệnh.",
        "Produced quantity over the execution time of the order."),
        "PQ / AOET", (_pq, order_execution()), _UP, "order", grains=_JOB, unit="piece/s"),
    _ratio("production_process_ratio", (13, "production process ratio"), (
        "Tỷ lệ quá trình sản xuất", "Production process ratio",
        "Thời gian sản xuất trên thời gian thực hiện lệnh.",
        "Production time over the execution time of the order."),
        "sum(APT) / AOET", (_of("production_s"), order_execution()), _UP, "order", grains=_JOB),
    _ratio("equipment_load_ratio", (30, "equipment load ratio"), (
        "Tỷ lệ tải thiết bị", "Equipment load ratio", "Sản lượng trên năng lực danh định; trên 1 là rủi ro.",
        "Produced quantity over the rated capacity; above 1 there is a risk."),
        "PQ / EPC", (_pq, _of("production_capacity")), _UP, "order", grains=COARSE | _JOB),
)  # fmt: skip
QUALITY = (
    _ratio("actual_to_planned_scrap_ratio", (14, "actual to planned scrap ratio"), (
        "Phế phẩm thực tế so với kế hoạch", "Actual to planned scrap ratio", "Số phế phẩm trên số phế phẩm dự kiến.",
        "Scrap over the scrap that was planned."),
        "SQ / PSQ", (_of("reject"), _of("planned_scrap")), _DOWN, "order", grains=COARSE | _JOB),
    _ratio("first_pass_yield", (15, "first pass yield"), (
        "Tỷ lệ đạt lần đầu", "First pass yield", "Sản phẩm đạt ngay lần đầu trên số đã kiểm.",
        "Parts good at the first pass over inspected parts."),
        "GP / IP", (_of("first_pass_good"), _of("inspected")), _UP, "inspection", upper=1.0, grains=_SPLIT),
    _ratio("rework_ratio", (17, "rework ratio"), (
        "Tỷ lệ làm lại", "Rework ratio", "Số sản phẩm phải làm lại trên sản lượng.",
        "Parts to be reworked over the produced quantity."),
        "RQ / PQ", (_of("rework"), pl.when(_of("inspections") > 0).then(_pq)), _DOWN, "inspection", grains=_SPLIT),
    _ratio("fall_off_ratio", (18, "fall-off ratio"), (
        "Tỷ lệ hao hụt", "Fall-off ratio", "Số phế phẩm trên sản lượng của công đoạn đầu.",
        "Scrap over the produced quantity of the first operation."),
        "SQ / PQ of the first operation", (_of("reject"), _of("first_operation_quantity")), _DOWN, "order",
        grains=COARSE | _JOB),
    _ratio("rework_share", None, (
        "Phần làm lại đạt", "Share good after rework", "Sản phẩm đạt sau khi làm lại trên số đã kiểm.",
        "Parts good after rework over inspected parts."),
        "good after rework / IP", (_of("reworked_good"), _of("inspected")), _DOWN, "inspection", source="own",
        grains=_SPLIT),
    _ratio("fail_share", None, (
        "Tỷ lệ hỏng cuối cùng", "Share failed", "Sản phẩm hỏng cuối cùng trên số đã kiểm.",
        "Parts that failed in the end over inspected parts."),
        "failed / IP", (_of("failed_final"), _of("inspected")), _DOWN, "inspection", source="own", grains=_SPLIT),
    _ratio("final_yield", None, (
        "Tỷ lệ đạt cuối cùng", "Final yield", "Sản phẩm đạt lần đầu và sau làm lại trên số đã kiểm.",
        "Parts good at the first pass or after rework over inspected parts."),
        "(GP + good after rework) / IP", (_of("first_pass_good") + _of("reworked_good"), _of("inspected")), _UP,
        "inspection", source="own", grains=_SPLIT),
    _ratio("ppm", None, (
        "Số lỗi trên một triệu (PPM)", "Defective parts per million", "Sản phẩm hỏng trên một triệu đã kiểm.",
        "Failed parts in a million inspected."),
        "failed / IP * 1e6", (_of("failed_final") * 1e6, _of("inspected")), _DOWN, "inspection",
        unit="ppm", source="own", grains=_SPLIT),
    _ratio("dpmo", None, (
        "Lỗi trên một triệu cơ hội (DPMO)", "Defects per million opportunities",
        "Số lỗi trên một triệu cơ hội gây lỗi.", "Defects in a million opportunities."),
        "defects / opportunities * 1e6", (_of("defects") * 1e6, _of("defect_opportunities")), _DOWN, "inspection",
        unit="ppm", source="own", grains=_SPLIT),
)  # fmt: skip
RTY = Kpi(
    id="rolled_throughput_yield",
    name_vi="Tỷ lệ đạt xuyên suốt (RTY)",
    name_en="Rolled throughput yield (RTY)",
    explanation_vi="Tích tỷ lệ đạt lần đầu của các trạm trong dây chuyền có phiếu kiểm tra; máy song song là một trạm.",
    explanation_en="First pass yields of the line's stations with inspections, multiplied; parallel machines are one.",
    formula="product over stations of (sum(GP) / sum(IP))",
    unit="1",
    basis=Basis.RECORD,
    inputs=("rolled_yield", "yield_steps"),
    numerator=_of("rolled_yield"),
    direction=Direction.UP,
    upper=1.0,
    aggregation=Aggregation.PRODUCT,
    source="rolled throughput yield (Six Sigma)",
    grains=_SPLIT,
    record="inspection",
)
MJ_PER_KWH = 3.6
MJ_PER_TJ = 1e6
_all_energy = _of("media_mj") + MJ_PER_KWH * _of("energy_kwh") + MJ_PER_TJ * _of("fuel_tj") + _of("exchanged_mj")
_known_energy = pl.when((_of("energy_records") > 0) | (_all_energy != 0)).then(_all_energy)
_all_pieces = _pq + _of("good_outside") + _of("reject_outside") + _of("unattributed_good") + _of("unattributed_reject")
ENERGY = (
    _ratio("comprehensive_energy_consumption", (23, "comprehensive energy consumption"), (
        "Tiêu hao năng lượng tổng hợp", "Comprehensive energy consumption",
        "Điện đo được, nhiên liệu, các môi chất khác và năng lượng trao đổi, quy ra MJ, trên sản lượng.",
        "Metered electricity, fuels, other media and energy exchanged, in MJ, over the produced quantity."),
        "(sum(M_i * R_i) + Q) / PQ", (_known_energy, _all_pieces), _DOWN, "energy",
        grains=_SPLIT, unit="MJ/piece"),
)  # fmt: skip
PROCESS = (
    _ratio("inventory_turns", (24, "inventory turns"), (
        "Vòng quay tồn kho", "Inventory turns", "Lượng xuất trên tồn kho trung bình của một kho; không cộng nhiều kho.",
        "Throughput over the mean stock of one store; stores are not added up."),
        "throughput / average inventory", (_of("inventory_throughput"), _one_store), _UP, "inventory"),
    _ratio("finished_goods_ratio", (25, "finished goods ratio"), (
        "Tỷ lệ thành phẩm", "Finished goods ratio", "Sản phẩm đạt trên vật liệu tiêu thụ.",
        "Good quantity over consumed material."),
        "GQ / CM", (_of("good"), _consumed), _UP, "inventory"),
    _ratio("integrated_goods_ratio", (26, "integrated goods ratio"), (
        "Tỷ lệ sản phẩm tổng hợp", "Integrated goods ratio", "Sản phẩm tổng hợp trên vật liệu tiêu thụ.",
        "Integrated good quantity over consumed material."),
        "IGQ / CM", (_of("integrated_good"), _consumed), _UP, "inventory"),
    _ratio("production_loss_ratio", (27, "production loss ratio"), (
        "Tỷ lệ tổn thất sản xuất", "Production loss ratio", "Tổn thất sản xuất trên vật liệu tiêu thụ.",
        "Production loss (input minus output) over consumed material."),
        "PL / CM", (_of("production_loss"), _consumed), _DOWN, "inventory"),
    _ratio("storage_transport_loss_ratio", (28, "storage and transport loss ratio"), (
        "Tỷ lệ tổn thất lưu kho, vận chuyển", "Storage and transport loss ratio",
        "Tổn thất lưu kho và vận chuyển trên vật liệu tiêu thụ.",
        "Storage and transport loss over consumed material."),
        "STL / CM", (_of("storage_transport_loss"), _consumed), _DOWN, "inventory"),
    _ratio("other_loss_ratio", (29, "other loss ratio"), (
        "Tỷ lệ tổn thất khác", "Other loss ratio", "Tổn thất khác trên vật liệu tiêu thụ.",
        "Other loss over consumed material."),
        "OL / CM", (_of("other_loss"), _consumed), _DOWN, "inventory"),
    _ratio("corrective_maintenance_ratio", (34, "corrective maintenance ratio"), (
        "Tỷ lệ bảo trì khắc phục", "Corrective maintenance ratio",
        "Thời gian bảo trì khắc phục trên toàn bộ thời gian bảo trì.",
        "Corrective maintenance time over all maintenance time."),
        "CMT / (CMT + PMT)",
        (_of("corrective_maintenance_time"), _of("corrective_maintenance_time") + _of("preventive_maintenance_time")),
        _DOWN, "maintenance", upper=1.0),
)  # fmt: skip
ENTRIES = (*PEOPLE_AND_ORDERS, *QUALITY, RTY, *ENERGY, *PROCESS)
