"""Catalogue: what was lost, in seconds: with the times of the classes a tree that adds up to the window.

Time lost while a unit produces (speed, quality) is known where pieces are counted and have an ideal cycle.
"""

import polars as pl

from kpi.catalogue.entry import Basis, Direction, Kpi

_apt = pl.col("counted_production_s")
_start_up = pl.col("ideal_startup_total_s") - pl.col("ideal_startup_good_s")
_SIX = "six big losses (Nakajima); ISO 22400-2:2014"


def _producing(value: pl.Expr) -> pl.Expr:
    """Without production time nothing was lost while producing: OEE is 0 through availability."""
    return pl.when(_apt > 0).then(value).otherwise(0.0)


def _lost(  # noqa: PLR0913 - an entry is what these say
    id_: str,
    value: pl.Expr,
    texts: tuple[str, str, str, str],
    formula: str,
    loss: str = "",
    *,
    basis: Basis = Basis.PERFORMANCE,
    direction: Direction = Direction.DOWN,
    lower: float | None = 0.0,
    source: str = _SIX,
) -> Kpi:
    vi, en, about_vi, about_en = texts
    return Kpi(
        id=id_,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=formula,
        unit="s",
        basis=basis,
        inputs=tuple(dict.fromkeys(value.meta.root_names())),
        numerator=value,
        direction=direction,
        lower=lower,
        source=source,
        sparse=True,
        loss=loss,
    )


_named = pl.col("fault_s") + pl.col("starved_s") + pl.col("blocked_s") + pl.col("micro_stop_s")
DELAY_OTHER = _lost(
    "delay_other_time", pl.col("delay_s") - _named, (
        "Thời gian dừng khác", "Other delay time", "Dừng trong lệnh không phải hỏng máy, thiếu, nghẽn hay dừng ngắn.",
        "Delay that is neither a fault nor starved, blocked or a micro-stop."),
    "ADET - fault - starved - blocked - micro_stop", basis=Basis.TIME, lower=None)  # fmt: skip
UNCOUNTED = _lost(
    "uncounted_production_time", pl.col("production_s") - _apt, (
        "Thời gian chạy của máy không đếm", "Production time of units that do not count",
        "Thời gian sản xuất của những máy không đếm sản phẩm: không biết tổn thất tốc độ và chất lượng.",
        "Production time of units that count no pieces: what speed and quality lost there is not known."),
    "APT - APT of counting units", direction=Direction.NONE, lower=None)  # fmt: skip
REDUCED_SPEED = _lost(
    "reduced_speed_loss", _producing(_apt - pl.col("ideal_total_s")), (
        "Tổn thất do chạy chậm", "Reduced speed loss",
        "Thời gian sản xuất trừ thời gian lý tưởng của mọi sản phẩm; âm khi chu kỳ lý tưởng quá dài.",
        "Production time less the ideal time of all pieces; negative where the ideal cycle is too long."),
    "APT - sum(PRI_i * PQ_i)", "reduced speed", lower=None)  # fmt: skip
START_UP = _lost(
    "startup_loss", _producing(_start_up), (
        "Tổn thất khởi động", "Reduced yield (start-up) loss",
        "Thời gian lý tưởng của phế phẩm làm trong lúc chuẩn bị; không biết (0, có cờ) khi không thấy lúc chuẩn bị.",
        "Ideal time of rejects made during setup; where no setup is seen it cannot be told (0, with a flag)."),
    "sum(PRI_i * SQ_i) of pieces made in setup time", "reduced yield")  # fmt: skip
DEFECTS = _lost(
    "defect_loss", _producing(pl.col("ideal_total_s") - pl.col("ideal_good_s") - _start_up), (
        "Tổn thất do lỗi", "Process defect loss", "Thời gian lý tưởng của phế phẩm khi máy chạy ổn định.",
        "Ideal time of rejects made in steady running."),
    "sum(PRI_i * SQ_i) of pieces not made in setup time", "process defects", lower=None)  # fmt: skip
GOOD_TIME = _lost(
    "good_ideal_time", _producing(pl.col("ideal_good_s")), (
        "Thời gian hữu ích", "Ideal time of good pieces", "Thời gian lý tưởng của sản phẩm đạt: tử số của OEE.",
        "What is left after all losses: the numerator of OEE."),
    "sum(PRI_i * GQ_i)", direction=Direction.UP)  # fmt: skip
ENTRIES = (DELAY_OTHER, UNCOUNTED, REDUCED_SPEED, START_UP, DEFECTS, GOOD_TIME)

# The tree, from calendar time down; key shown and KPI. Where production can be split, its parts stand for it.
OUTSIDE_PRODUCTION = {
    "not_scheduled": "not_scheduled_time",
    "planned_down": "planned_down_time",
    "down_no_order": "down_no_order_time",
    "unknown": "unknown_time",
    "setup": "setup_time",
    "fault": "fault_time",
    "starved": "starved_time",
    "blocked": "blocked_time",
    "micro_stop": "micro_stop_time",
    "delay_other": "delay_other_time",
}
OF_PRODUCTION = {
    "production_uncounted": "uncounted_production_time",
    "reduced_speed": "reduced_speed_loss",
    "startup": "startup_loss",
    "defects": "defect_loss",
    "good_pieces": "good_ideal_time",
}
