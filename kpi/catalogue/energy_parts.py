"""Catalogue: parts of the electricity that add up to the whole: by time class, tariff period, job and product."""

import polars as pl

from kpi.catalogue.entry import COARSE, Basis, Kpi


def _part(name: str, column: str, texts: tuple[str, str, str, str]) -> Kpi:
    """A part of the energy: with the other parts of its kind it adds up to the whole."""
    name_vi, name_en, explanation_vi, explanation_en = texts
    return Kpi(
        id=f"energy_{name}",
        name_vi=name_vi,
        name_en=name_en,
        explanation_vi=explanation_vi,
        explanation_en=explanation_en,
        formula="sum of kWh of this part",
        unit="kWh",
        basis=Basis.ENERGY,
        inputs=(column,),
        numerator=pl.col(column),
        lower=None,
        grains=COARSE,
    )


_OF_CLASS = {
    "production": ("khi sản xuất", "while producing"),
    "setup": ("khi chuẩn bị máy", "while set up"),
    "delay": ("khi dừng máy", "in delays"),
    "down_no_order": ("khi không có đơn hàng", "without an order"),
    "planned_down": ("khi dừng theo kế hoạch", "in planned stops"),
    "not_scheduled": ("ngoài ca", "outside shifts"),
    "unknown": ("khi không có tín hiệu máy", "without a machine signal"),
    "unclassed": ("không rõ trạng thái máy", "of no time class"),
}
_OF_PERIOD = {
    "peak": ("giờ cao điểm", "in peak hours"),
    "normal": ("giờ bình thường", "in normal hours"),
    "off_peak": ("giờ thấp điểm", "in off-peak hours"),
    "other_period": ("ngoài các khung giờ biểu giá", "in other tariff periods or none"),
}
_BY_CLASS = tuple(
    _part(
        name,
        f"{name}_kwh",
        (
            f"Điện năng {vi}",
            f"Energy {en}",
            "Điện năng chảy đều giữa hai lần đọc, chia theo từng khoảng thời gian của máy.",
            "Energy flows evenly between two readings and is cut at the borders of the machine's intervals.",
        ),
    )
    for name, (vi, en) in _OF_CLASS.items()
)
_BY_PERIOD = tuple(
    _part(
        name,
        f"{name}_kwh",
        (
            f"Điện năng {vi}",
            f"Energy {en}",
            "Theo khung giờ của biểu giá có hiệu lực tại ngày địa phương.",
            "By the hours of the tariff in force at the local date.",
        ),
    )
    for name, (vi, en) in _OF_PERIOD.items()
)
_WITHOUT = tuple(
    _part(
        f"without_{name}",
        f"no_{name}_kwh",
        (
            f"Điện năng không gán được {vi}",
            f"Energy without {en}",
            f"Điện năng trong thời gian không có {vi}; cùng với các {vi} thành tổng.",
            f"Energy of time without {en}; together with that of each {name} it is the whole.",
        ),
    )
    for name, vi, en in (("job", "lệnh sản xuất", "a job"), ("product", "sản phẩm", "a product"))
)
PARTS = (*_BY_CLASS, *_BY_PERIOD, *_WITHOUT)
