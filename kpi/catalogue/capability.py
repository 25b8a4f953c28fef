"""Catalogue: capability of machines and processes, of each measured characteristic: values of inspection records
(kpi/compute/samples.py) and readings of series with limits (kpi/compute/series_samples.py).

Sums are in halves of the tolerance about its middle, so that the limits are -1 and 1; with one limit only they are
distances from it in the characteristic's own unit.
"""

from dataclasses import dataclass

import polars as pl

from kpi.catalogue.entry import COARSE, Basis, Direction, Kpi
from model.vocabulary import Grain

_GRAINS = COARSE | {Grain.JOB, Grain.PRODUCT}
_ROUNDING = 1e-13  # squares below this share are rounding of equal values


@dataclass(frozen=True)
class _Family:
    """The sums of one way to take the standard deviation."""

    name: str
    squares: pl.Expr  # about the mean that belongs to them
    free: pl.Expr  # degrees of freedom

    def of(self, part: str) -> pl.Expr:
        return pl.col(f"{self.name}_{part}")

    @property
    def mean(self) -> pl.Expr:
        return self.of("sum") / self.of("n")

    @property
    def deviation(self) -> pl.Expr:
        spread = (self.free >= 1) & (self.squares > _ROUNDING * self.of("squares"))
        return pl.when(spread).then((self.squares / self.free).sqrt())

    @property
    def width(self) -> pl.Expr:
        """Half the tolerance; only where all values have both limits."""
        return pl.when((self.of("n") > 0) & (self.of("two") == self.of("n"))).then(1.0)

    @property
    def margin(self) -> pl.Expr:
        """Distance of the mean from the nearer limit; below 0 outside."""
        n = self.of("n")
        both = pl.when((n > 0) & (self.of("two") == n)).then(1.0 - self.mean.abs())
        upper = both.when((n > 0) & (self.of("upper") == n)).then(-self.mean)
        return upper.when((n > 0) & (self.of("lower") == n)).then(self.mean)


def _within(name: str) -> _Family:
    return _Family(name, pl.col(f"{name}_squares"), pl.col(f"{name}_df"))


_RUN, _SUBGROUP = _within("run"), _within("subgroup")
_n, _sum = pl.col("sample_n"), pl.col("sample_sum")
_ALL = _Family("sample", pl.col("sample_squares") - _sum * _sum / _n, _n - 1)


def _index(
    id_: str, iso: tuple[int, str] | None, texts: tuple[str, str, str, str], formula: str, parts: tuple[_Family, bool]
) -> Kpi:
    family, critical = parts
    vi, en, about_vi, about_en = texts
    numerator, denominator = family.margin if critical else family.width, 3 * family.deviation
    return Kpi(
        id=id_,
        iso_number=iso[0] if iso else None,
        iso_name=iso[1] if iso else None,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=formula,
        unit="1",
        basis=Basis.SAMPLE,
        inputs=tuple(sorted({*numerator.meta.root_names(), *denominator.meta.root_names()})),
        numerator=numerator,
        denominator=denominator,
        direction=Direction.UP,
        lower=None if critical else 0.0,
        source="ISO 22400-2:2014" if iso else "overall standard deviation; not in ISO 22400-2",
        grains=_GRAINS,
        record="inspection",
    )


def _about(
    id_: str, texts: tuple[str, str, str, str], formula: str, unit: str, parts: tuple[pl.Expr, pl.Expr | None]
) -> Kpi:
    """What the indices were judged by: number, mean and deviation of all values."""
    vi, en, about_vi, about_en = texts
    numerator, denominator = parts
    return Kpi(
        id=id_,
        name_vi=vi,
        name_en=en,
        explanation_vi=about_vi,
        explanation_en=about_en,
        formula=formula,
        unit=unit,
        basis=Basis.SAMPLE,
        inputs=tuple(sorted({"sample_n", *numerator.meta.root_names()})),
        numerator=numerator,
        denominator=denominator,
        lower=None if id_ == "measured_mean" else 0.0,
        grains=_GRAINS,
        record="inspection",
    )


_PLACE_VI = (
    "tính từ giữa dung sai theo nửa dung sai (giới hạn là -1 và 1); chỉ có một giới hạn thì tính từ giới hạn đó, "
    "theo đơn vị của đặc tính"
)
_PLACE_EN = (
    "from the middle of the tolerance in halves of it (the limits are -1 and 1); with one limit only from that limit, "
    "in the unit of the characteristic"
)
_RUN_VI = "độ lệch chuẩn trong từng đợt chạy (cột run, hoặc những gì một ca làm)"
_RUN_EN = "standard deviation within runs (column run, else what a shift made)"
_GROUP_VI = "độ lệch chuẩn trong các nhóm con"
_GROUP_EN = "standard deviation within subgroups"
_ALL_VI = "độ lệch chuẩn của mọi giá trị"
_ALL_EN = "standard deviation of all values"
ENTRIES = (
    _index("cm", (19, "machine capability index"), (
        "Năng lực máy Cm", "Machine capability Cm", f"Dung sai trên 6 lần {_RUN_VI}, theo đặc tính đo.",
        f"Tolerance over 6 times the {_RUN_EN}, of each characteristic."),
        "(USL - LSL) / (6 * s)", (_RUN, False)),
    _index("cmk", (20, "critical machine capability index"), (
        "Năng lực máy tới hạn Cmk", "Critical machine capability Cmk",
        f"Khoảng cách từ trung bình tới giới hạn gần hơn trên 3 lần {_RUN_VI}; âm khi trung bình ngoài giới hạn.",
        f"Distance of the mean from the nearer limit over 3 times the {_RUN_EN}; below 0 with the mean outside."),
        "min(USL - mean, mean - LSL) / (3 * s)", (_RUN, True)),
    _index("cp", (21, "process capability index"), (
        "Năng lực quá trình Cp", "Process capability Cp", f"Dung sai trên 6 lần {_GROUP_VI}, theo đặc tính đo.",
        f"Tolerance over 6 times the {_GROUP_EN}, of each characteristic."),
        "(USL - LSL) / (6 * sigma_hat)", (_SUBGROUP, False)),
    _index("cpk", (22, "critical process capability index"), (
        "Năng lực quá trình tới hạn Cpk", "Critical process capability Cpk",
        f"Khoảng cách từ trung bình tới giới hạn gần hơn trên 3 lần {_GROUP_VI}; âm khi trung bình ngoài giới hạn.",
        f"Distance of the mean from the nearer limit over 3 times the {_GROUP_EN}; below 0 with the mean outside."),
        "min(USL - grand_mean, grand_mean - LSL) / (3 * sigma_hat)", (_SUBGROUP, True)),
    _index("pp", None, (
        "Hiệu năng quá trình Pp", "Process performance Pp", f"Dung sai trên 6 lần {_ALL_VI}, theo đặc tính đo.",
        f"Tolerance over 6 times the {_ALL_EN}, of each characteristic."),
        "(USL - LSL) / (6 * s_all)", (_ALL, False)),
    _index("ppk", None, (
        "Hiệu năng quá trình tới hạn Ppk", "Critical process performance Ppk",
        f"Khoảng cách từ trung bình tới giới hạn gần hơn trên 3 lần {_ALL_VI}; âm khi trung bình ngoài giới hạn.",
        f"Distance of the mean from the nearer limit over 3 times the {_ALL_EN}; below 0 with the mean outside."),
        "min(USL - mean, mean - LSL) / (3 * s_all)", (_ALL, True)),
    _about("measured_values", ("Số giá trị đo", "Measured values", "Số giá trị có giới hạn, theo đặc tính đo.",
        "Number of values with limits, of each characteristic."), "n", "value", (pl.col("sample_n"), None)),
    _about("measured_mean", ("Trung bình giá trị đo", "Mean of the measured values", f"Trung bình, {_PLACE_VI}.",
        f"Mean, {_PLACE_EN}."), "(mean - middle) / (tolerance / 2)", "½ tolerance", (_sum, _n)),
    _about("measured_deviation", ("Độ lệch chuẩn giá trị đo", "Standard deviation of the measured values",
        f"{_ALL_VI.capitalize()}, {_PLACE_VI}.", f"{_ALL_EN.capitalize()}, {_PLACE_EN}."), "s / (tolerance / 2)",
        "½ tolerance", (_ALL.deviation, pl.lit(1.0))),
)  # fmt: skip
