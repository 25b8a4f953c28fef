"""The site file: what the site itself is, and what it may send."""

from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from store.holiday_dates import NO_HOLIDAYS, knows
from store.site_parts.base import Part


class SiteHead(Part):
    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    name: str
    timezone: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "VN"
    grid_zone: str | None = None
    factor_set: str | None = None
    gwp_set: Literal["AR4", "AR5", "AR6"] = "AR5"
    fuel_set: str = "ipcc-2006"
    day_start: time = time(0, 0)
    demand_interval_s: Annotated[int, Field(gt=0)] = 1800
    lateness_s: Annotated[int, Field(ge=0)] = 86_400
    confidence_gate: Annotated[float, Field(gt=0, le=1)] = 0.95
    holidays: str | tuple[date, ...] | None = None  # a country, `none` or dates; null: of Vietnam for a site there

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Ho_Chi_Minh") from error
        return value

    @field_validator("holidays")
    @classmethod
    def _known_holidays(cls, value: str | tuple[date, ...] | None) -> str | tuple[date, ...] | None:
        if isinstance(value, str) and value != NO_HOLIDAYS and not knows(value):
            raise ValueError(f"{value!r} is neither none, nor a list of dates, nor a country such as VN")
        return value


class QuotaPart(Part):
    """What the site may send; none set where it is silent."""

    series: Annotated[int, Field(gt=0, le=2_000_000_000)] | None = None
    values_per_s: Annotated[int, Field(gt=0, le=2_000_000_000)] | None = None
