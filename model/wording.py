"""Numbers, times and durations as people of a language write them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

NOTHING = "—"
_MARKS = {"vi": (".", ","), "en": (",", ".")}  # thousands, decimal
_SPACE = "\N{NO-BREAK SPACE}"


def number(value: float | None, language: str, decimals: int | None = None) -> str:
    """A number with grouped thousands; without `decimals`, three significant digits below 1,000."""
    if value is None:
        return NOTHING
    places = _places(value) if decimals is None else decimals
    thousands, decimal = _MARKS[language]
    return f"{value:,.{places}f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)


def percent(value: float | None, language: str) -> str:
    """A fraction as per cent with one decimal."""
    return NOTHING if value is None else share(value, language, 1)


def share(value: float, language: str, decimals: int) -> str:
    """A fraction as per cent."""
    return f"{number(value * 100, language, decimals)}{'' if language == 'en' else _SPACE}%"


def quantity(value: float | None, unit: str, language: str) -> str:
    """A value with its unit; ratios as per cent."""
    if value is None:
        return NOTHING
    return percent(value, language) if unit == "1" else f"{number(value, language)}{_SPACE}{unit_text(unit, language)}"


def unit_text(unit: str, language: str) -> str:
    """A unit of the catalogue as it is read."""
    return unit.replace("/piece", "/sp").replace("piece", "sản phẩm") if language == "vi" else unit


def day(value: date, language: str) -> str:
    """A date: 22/11/2026 or 22 Nov 2026."""
    if language == "vi":
        return f"{value:%d/%m/%Y}"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{value.day} {months[value.month - 1]} {value.year}"


def which_of_two(local: datetime) -> str:
    """The offset of a local time that comes twice, where clocks are set back; '' of all others."""
    one, other = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return "" if one == other else local.isoformat()[-len("+00:00") :]


def clock(value: datetime, zone: ZoneInfo, language: str, now: datetime) -> str:
    """A local time; with its date where that is not today's."""
    local = value.astimezone(zone)
    time = (f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}") + which_of_two(local)
    if local.date() == now.astimezone(zone).date():
        return time
    return f"{time} · {day(local.date(), language)}"


def duration(seconds: float, language: str) -> str:
    """A duration in its two largest units."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    hour, minute, second = ("giờ", "phút", "giây") if language == "vi" else ("h", "min", "s")
    if hours:
        return f"{hours} {hour} {minutes:02d} {minute}"
    if minutes:
        return f"{minutes} {minute} {left:02d} {second}"
    return f"{left} {second}"


def _places(value: float) -> int:
    size = abs(value)
    return 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 or size == 0 else 4
