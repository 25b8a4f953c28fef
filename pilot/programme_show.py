"""A programme for people at a terminal, in Vietnamese or English."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.framework import Framework, Text
from maturity.programme.view import ProgrammeView, SiteRow
from model import wording

_MOST_GAPS = 10
_LEAST_WIDTH = 50  # characters for site and period
_COLUMN = 17  # characters for the name of a principle
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "none": "There is no assessment of {framework} yet: `haidang programme import FILE`.",
        "same": "{framework}, version {version}: {compared} of {all} sites have the same catalogue.",
        "sites": "Supported by data (claimed / confirmed by assessors)",
        "site": "site",
        "period": "period",
        "left_out": "{site} (version {version}, not compared)",
        "claims": "What sites claim beside what their data support: number of sites",
        "principle": "principle",
        "above": "claims more",
        "equal": "the same",
        "below": "claims less",
        "without": "no claim",
        "bands": "Supported levels of all compared sites",
        "lowest": "lowest quarter",
        "median": "median",
        "highest": "highest quarter",
        "gaps": "Criteria that keep most sites from their next level",
        "criterion": "criterion",
        "number": "sites",
        "contradicted": "contradicted",
        "unknown": "not assessable",
        "groups": "Technology that most sites lack for their next level",
        "group": "technology group",
        "lacking": "sites that lack it",
        "opens": "criteria that it alone opens",
        "free": "nothing to buy",
        "refused": "{said}",
    },
    "vi": {
        "none": "Chưa có đánh giá nào theo {framework}: `haidang programme import FILE`.",
        "same": "{framework}, phiên bản {version}: {compared} trên {all} nhà máy dùng cùng bộ tiêu chí.",
        "sites": "Dữ liệu xác nhận (nhà máy tự nhận / chuyên gia xác nhận)",
        "site": "nhà máy",
        "period": "kỳ đánh giá",
        "left_out": "{site} (phiên bản {version}, không so sánh)",
        "claims": "Nhà máy tự nhận so với dữ liệu xác nhận: số nhà máy",
        "principle": "nguyên tắc",
        "above": "tự nhận cao hơn",
        "equal": "bằng nhau",
        "below": "tự nhận thấp hơn",
        "without": "không tự nhận",
        "bands": "Cấp độ được dữ liệu xác nhận của các nhà máy được so sánh",
        "lowest": "phần tư thấp nhất",
        "median": "trung vị",
        "highest": "phần tư cao nhất",
        "gaps": "Tiêu chí khiến nhiều nhà máy chưa lên được cấp tiếp theo",
        "criterion": "tiêu chí",
        "number": "số nhà máy",
        "contradicted": "bị bác bỏ",
        "unknown": "chưa đánh giá được",
        "groups": "Công nghệ mà nhiều nhà máy còn thiếu cho cấp tiếp theo",
        "group": "nhóm công nghệ",
        "lacking": "số nhà máy thiếu",
        "opens": "tiêu chí mà riêng nhóm này giúp đạt",
        "free": "không cần mua",
        "refused": "Chỉ so sánh ẩn danh khi có ít nhất {fewest} nhà máy dùng cùng bộ tiêu chí; hiện có {compared}.",
    },
}


@dataclass(frozen=True)
class _Told:
    """A view with its catalogue, where that is known, in a language."""

    view: ProgrammeView
    catalogue: Framework | None
    language: str

    def __call__(self, key: str, **places: object) -> str:
        return escape(_TEXTS[self.language][key].format(**places))

    def of(self, text: Text) -> str:
        """A text of the catalogue."""
        return escape(text.vi if self.language == "vi" else text.en)

    def principle(self, key: str) -> str:
        """Name of a principle, its key where the catalogue is not known."""
        parts = self.catalogue.principles if self.catalogue else ()
        return next((self.of(each.name) for each in parts if each.key == key), escape(key))

    def criterion(self, id_: str) -> str:
        """Id and sentence of a criterion."""
        parts = self.catalogue.criteria if self.catalogue else ()
        said = next((f" {self.of(each.text)}" for each in parts if each.id == id_), "")
        return f"[bold]{escape(id_)}[/bold]{said}"

    def group(self, key: str) -> str:
        """Key and name of a technology group; whether it is to be bought."""
        parts = self.catalogue.technology_groups if self.catalogue else ()
        found = next((each for each in parts if each.key == key), None)
        if found is None:
            return escape(key)
        return f"{escape(key)} {self.of(found.name)}" + ("" if found.purchase else f" ({self('free')})")

    def is_bought(self, key: str) -> bool:
        """Whether something is to be bought for a technology group."""
        parts = self.catalogue.technology_groups if self.catalogue else ()
        return all(each.purchase for each in parts if each.key == key)


def show(
    view: ProgrammeView,
    console: Console,
    *,
    anonymous: bool = False,
    language: str = "en",
    catalogue: Framework | None = None,
) -> None:
    """Print a programme; anonymous, nothing of single sites.

    Args:
        view: what is printed.
        console: where to.
        anonymous: without the sites.
        language: vi or en.
        catalogue: the one that the compared sites were assessed with, for names; keys stand alone without it.
    """
    told = _Told(view, catalogue, language)
    if not view.sites:
        console.print(told("none", framework=view.framework))
        return
    numbers = {"compared": view.compared, "all": len(view.sites), "version": view.framework_version}
    name = (catalogue.name.vi if language == "vi" else catalogue.name.en) if catalogue else view.framework
    console.print(told("same", framework=name, **numbers))
    if not anonymous:
        _sites(told, console)
    for table in (_claims(told), *_bands(told), _gaps(told), _groups(told)):
        console.print(table)
    if view.bands is None:
        said = {"said": view.bands_refused or "", "fewest": view.fewest, "compared": view.compared}
        console.print(f"[dim]{told('refused', **said)}[/dim]")


def _table(told: _Told, title: str, *columns: str) -> Table:
    table = Table(title=told(title), title_justify="left", title_style="bold")
    table.add_column(told(columns[0]))
    for name in columns[1:]:
        table.add_column(told(name), justify="right")
    return table


def _sites(told: _Told, console: Console) -> None:
    """Sites with their levels; where the names of principles have no room, numbers stand for them."""
    table = Table(told("site"), told("period"), title=told("sites"), title_justify="left", title_style="bold")
    keys = list(told.view.sites[0].supported)
    is_narrow = console.width < _LEAST_WIDTH + _COLUMN * len(keys)
    for number, key in enumerate(keys, start=1):
        table.add_column(str(number) if is_narrow else told.principle(key), justify="center")
    for row in told.view.sites:
        name = row.site if row.name in ("", row.site) else f"{row.name} ({row.site})"
        shown = escape(name) if row.compared else told("left_out", site=name, version=row.framework_version)
        table.add_row(shown, _period(row, told.language), *(_levels(row, key) for key in keys))
    console.print(table)
    if is_narrow:
        console.print(" · ".join(f"{number} {told.principle(key)}" for number, key in enumerate(keys, start=1)))


def _period(row: SiteRow, language: str) -> str:
    first, last = (wording.day(date.fromisoformat(each), language) for each in (row.first, row.last))
    return f"{first} – {last}"


def _levels(row: SiteRow, key: str) -> str:
    others = [_number(row.claimed, key), _number(row.confirmed, key)]
    shown = "" if others == ["-", "-"] else f" ({' / '.join(others)})"
    return f"{_number(row.supported, key)}{shown}"


def _number(levels: Mapping[str, int | None], key: str) -> str:
    found = levels.get(key)
    return "-" if found is None else str(found)


def _claims(told: _Told) -> Table:
    table = _table(told, "claims", "principle", "above", "equal", "below", "without")
    for each in told.view.claims:
        counts = (each.above, each.equal, each.below, each.without)
        table.add_row(told.principle(each.principle), *map(str, counts))
    return table


def _bands(told: _Told) -> list[Table]:
    if told.view.bands is None:
        return []
    table = _table(told, "bands", "principle", "lowest", "median", "highest")
    for each in told.view.bands:
        levels = (each.lowest_quarter, each.median, each.highest_quarter)
        table.add_row(told.principle(each.principle), *(_level(n, told.language) for n in levels))
    return [table]


def _level(value: float, language: str) -> str:
    return wording.number(value, language, 0 if value == round(value) else 2)


def _gaps(told: _Told) -> Table:
    table = _table(told, "gaps", "criterion", "number", "contradicted", "unknown")
    for each in told.view.gaps[:_MOST_GAPS]:
        counts = (each.sites, each.contradicted, each.not_assessable)
        table.add_row(told.criterion(each.criterion), *map(str, counts))
    return table


def _groups(told: _Told) -> Table:
    """What is to be bought first, then what is not."""
    table = _table(told, "groups", "group", "lacking", "opens")
    for each in sorted(told.view.groups, key=lambda each: not told.is_bought(each.group)):
        table.add_row(told.group(each.group), str(each.sites), str(each.opens))
    return table
