"""Catalogue: how the time of a unit was spent."""

import polars as pl

from kpi.catalogue.columns import calendar, planned_busy, processing
from kpi.catalogue.entry import COARSE, WITHOUT_HOUR, Basis, Direction, Kpi

_ISO = "ISO 22400-2:2014"

_LOSSES = {
    "fault_time": "equipment failure",
    "setup_time": "setup and adjustment",
    "micro_stop_time": "idling and minor stops",
}


def _time(row: tuple[str, str, str, str, str, str, Direction]) -> Kpi:
    id_, column, vi, en, about_vi, about_en, direction = row
    return Kpi(
        id=id_,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=f"sum of time of class {column.removesuffix('_s')}",
        unit="s",
        basis=Basis.TIME,
        inputs=(column,),
        numerator=pl.col(column),
        direction=direction,
        source=_ISO,
        sparse=True,
        loss=_LOSSES.get(id_, ""),
    )


_CLASSES = (
    ("production_time", "production_s", "Thời gian sản xuất", "Production time (APT)",
     "Thời gian máy thực sự tạo giá trị.", "Time in which the unit added value.", Direction.UP),
    ("setup_time", "setup_s", "Thời gian chuẩn bị", "Setup time (AUST)",
     "Thời gian cài đặt, chuyển đổi sản phẩm.", "Time spent on setup and changeover.", Direction.DOWN),
    ("delay_time", "delay_s", "Thời gian dừng trong lệnh", "Delay time (ADET)",
     "Dừng ngoài kế hoạch khi đang có lệnh sản xuất.", "Unplanned stops while an order is running.", Direction.DOWN),
    ("down_no_order_time", "down_no_order_s", "Thời gian không có lệnh", "Down time without an order (ADOT)",
     "Máy sẵn sàng nhưng không có lệnh sản xuất.", "Available, but no order to run.", Direction.DOWN),
    ("planned_down_time", "planned_down_s", "Thời gian dừng theo kế hoạch", "Planned down time",
     "Nghỉ giải lao, bảo trì theo kế hoạch trong ca.", "Breaks and planned maintenance within shifts.", Direction.NONE),
    ("not_scheduled_time", "not_scheduled_s", "Thời gian ngoài ca", "Time not scheduled",
     "Thời gian ngoài các ca làm việc.", "Time outside all shifts.", Direction.NONE),
    ("unknown_time", "unknown_s", "Thời gian không có tín hiệu", "Unknown time",
     "Không có tín hiệu: không tính là dừng, không tính là chạy.", "No signal: neither a stop nor production.",
     Direction.DOWN),
    ("fault_time", "fault_s", "Thời gian hỏng máy", "Fault time",
     "Phần thời gian dừng do hỏng hóc.", "Delay because of faults.", Direction.DOWN),
    ("starved_time", "starved_s", "Thời gian thiếu vật tư", "Starved time",
     "Phần thời gian dừng vì thiếu đầu vào.", "Delay because nothing came in.", Direction.DOWN),
    ("blocked_time", "blocked_s", "Thời gian bị nghẽn", "Blocked time",
     "Phần thời gian dừng vì đầu ra bị nghẽn.", "Delay because nothing could go out.", Direction.DOWN),
    ("micro_stop_time", "micro_stop_s", "Thời gian dừng ngắn", "Micro-stop time",
     "Các lần dừng ngắn không rõ lý do giữa hai đoạn chạy.", "Short stops without a reason between two runs.",
     Direction.DOWN),
)  # fmt: skip

BASE = tuple(_time(row) for row in _CLASSES)

PLANNED_BUSY = Kpi(
    id="planned_busy_time",
    iso_name="planned busy time",
    name_vi="Thời gian bận theo kế hoạch",
    name_en="Planned busy time (PBT)",
    explanation_vi="Thời gian trong ca trừ dừng theo kế hoạch; mẫu số của OEE.",
    explanation_en="Scheduled time less planned stops: the denominator of OEE.",
    formula="production + setup + delay + down_no_order + unknown",
    unit="s",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s"),
    numerator=planned_busy(),
    source=_ISO,
    sparse=True,
)
AVAILABILITY = Kpi(
    id="availability",
    iso_name="availability",
    iso_number=8,
    name_vi="Mức sẵn sàng",
    name_en="Availability",
    explanation_vi="Phần thời gian bận theo kế hoạch mà máy thực sự sản xuất.",
    explanation_en="Share of planned busy time in which the unit produced.",
    formula="APT / PBT",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s"),
    numerator=pl.col("production_s"),
    denominator=planned_busy(),
    capped=pl.min_horizontal(pl.col("production_s"), planned_busy()),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
)
LOADING = Kpi(
    id="loading",
    name_vi="Mức sử dụng thời gian lịch",
    name_en="Loading",
    explanation_vi="Phần thời gian lịch được lên kế hoạch sản xuất.",
    explanation_en="Share of calendar time that was planned for production.",
    formula="PBT / calendar time",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s", "planned_down_s", "not_scheduled_s"),
    numerator=planned_busy(),
    denominator=calendar(),
    direction=Direction.UP,
    upper=1.0,
    source="SMRP; LEANWORX",
    grains=COARSE,
)
ALLOCATION_EFFICIENCY = Kpi(
    id="allocation_efficiency",
    iso_name="allocation efficiency",
    iso_number=4,
    name_vi="Hiệu suất phân bổ",
    name_en="Allocation efficiency",
    explanation_vi="Phần thời gian bận theo kế hoạch mà máy có lệnh sản xuất.",
    explanation_en="Share of planned busy time in which the unit was in use for an order.",
    formula="AUBT / PBT",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s"),
    numerator=processing() + pl.col("delay_s"),
    denominator=planned_busy(),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
UTILIZATION_EFFICIENCY = Kpi(
    id="utilization_efficiency",
    iso_name="utilization efficiency",
    iso_number=5,
    name_vi="Hiệu suất sử dụng",
    name_en="Utilization efficiency",
    explanation_vi="Phần thời gian có lệnh mà máy thực sự sản xuất.",
    explanation_en="Share of the busy time in which the unit produced.",
    formula="APT / AUBT",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s", "delay_s"),
    numerator=pl.col("production_s"),
    denominator=processing() + pl.col("delay_s"),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
TECHNICAL_EFFICIENCY = Kpi(
    id="technical_efficiency",
    iso_name="technical efficiency",
    iso_number=12,
    name_vi="Hiệu suất kỹ thuật",
    name_en="Technical efficiency",
    explanation_vi="Thời gian sản xuất so với sản xuất cộng dừng trong lệnh.",
    explanation_en="Production time over production and delay time.",
    formula="APT / (APT + ADET)",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "delay_s"),
    numerator=pl.col("production_s"),
    denominator=pl.col("production_s") + pl.col("delay_s"),
    direction=Direction.UP,
    upper=1.0,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
SETUP_RATIO = Kpi(
    id="setup_ratio",
    iso_name="setup ratio",
    iso_number=11,
    name_vi="Tỷ lệ chuẩn bị",
    name_en="Setup ratio",
    explanation_vi="Phần thời gian gia công dành cho chuẩn bị.",
    explanation_en="Share of the processing time that was setup.",
    formula="AUST / AUPT",
    unit="1",
    basis=Basis.TIME,
    inputs=("production_s", "setup_s"),
    numerator=pl.col("setup_s"),
    denominator=processing(),
    direction=Direction.DOWN,
    upper=1.0,
    source=_ISO,
    grains=WITHOUT_HOUR,
)
ENTRIES = (
    *BASE,
    PLANNED_BUSY,
    AVAILABILITY,
    LOADING,
    ALLOCATION_EFFICIENCY,
    UTILIZATION_EFFICIENCY,
    TECHNICAL_EFFICIENCY,
    SETUP_RATIO,
)
