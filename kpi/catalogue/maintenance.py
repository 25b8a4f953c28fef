"""Catalogue: failures and the time between and after them. Open intervals are never extrapolated."""

import polars as pl

from kpi.catalogue.columns import processing
from kpi.catalogue.entry import COARSE, Basis, Direction, Kpi

_ISO = "ISO 22400-2:2014"

FAILURES = Kpi(
    id="failures",
    name_vi="Số lần hỏng máy",
    name_en="Failures",
    explanation_vi="Số lần hỏng đã khắc phục trong cửa sổ thời gian.",
    explanation_en="Fault intervals that ended in the window.",
    formula="FE, closed fault intervals",
    unit="1",
    basis=Basis.MAINTENANCE,
    inputs=("failures",),
    numerator=pl.col("failures"),
    direction=Direction.DOWN,
    source=_ISO,
    grains=COARSE,
)
MTBF = Kpi(
    id="mtbf",
    iso_name="mean operating time between failures",
    iso_number=31,
    name_vi="Thời gian trung bình giữa hai lần hỏng",
    name_en="MTBF",
    explanation_vi="Thời gian vận hành trung bình giữa hai lần hỏng, chỉ tính khoảng đã đóng.",
    explanation_en="Mean operating time between two failures, closed intervals only.",
    formula="sum(TBF) / number of closed intervals",
    unit="s",
    basis=Basis.MAINTENANCE,
    inputs=("between_failures_s", "between_failures"),
    numerator=pl.col("between_failures_s"),
    denominator=pl.col("between_failures"),
    direction=Direction.UP,
    source=_ISO,
    grains=COARSE,
)
MTBF_OPERATING = Kpi(
    id="mtbf_operating",
    name_vi="Thời gian vận hành trên mỗi lần hỏng",
    name_en="MTBF (operating time per failure)",
    explanation_vi="Thời gian vận hành của cửa sổ chia cho số lần hỏng.",
    explanation_en="Operating time of the window over its failures.",
    formula="AUPT / FE",
    unit="s",
    basis=Basis.MAINTENANCE,
    inputs=("production_s", "setup_s", "failures"),
    numerator=processing(),
    denominator=pl.col("failures"),
    direction=Direction.UP,
    grains=COARSE,
)
MTTF = Kpi(
    id="mttf",
    iso_name="mean time to failure",
    iso_number=32,
    name_vi="Thời gian trung bình tới lúc hỏng",
    name_en="MTTF",
    explanation_vi="Thời gian vận hành trung bình từ lúc khôi phục tới lần hỏng kế tiếp, chỉ tính khoảng đã đóng; "
    "bằng MTBF (31) vì lúc sửa chữa máy không vận hành. Lần chạy đầu tiên không thấy từ đầu nên không tính.",
    explanation_en="Mean operating time from restoration to the next failure, closed intervals only. It equals MTBF "
    "(31), since nothing operates during a repair; the first run was not seen from first use and does not count.",
    formula="sum(TTF) / number of closed intervals",
    unit="s",
    basis=Basis.MAINTENANCE,
    inputs=("between_failures_s", "between_failures"),
    numerator=pl.col("between_failures_s"),
    denominator=pl.col("between_failures"),
    direction=Direction.UP,
    source=_ISO,
    grains=COARSE,
)
MTTR = Kpi(
    id="mttr",
    iso_name="mean time to restoration",
    iso_number=33,
    name_vi="Thời gian khôi phục trung bình",
    name_en="MTTR",
    explanation_vi="Thời gian trung bình từ lúc hỏng tới lúc khôi phục, gồm cả chờ vật tư và người.",
    explanation_en="Mean time from failure to restoration, waiting for parts and people included.",
    formula="sum(TTR) / FE",
    unit="s",
    basis=Basis.MAINTENANCE,
    inputs=("repair_s", "failures"),
    numerator=pl.col("repair_s"),
    denominator=pl.col("failures"),
    direction=Direction.DOWN,
    source=_ISO,
    grains=COARSE,
)
ENTRIES = (FAILURES, MTBF, MTBF_OPERATING, MTTF, MTTR)
