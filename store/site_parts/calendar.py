"""The site file: shifts, their exceptions and planned stops."""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from store.site_parts.base import Key, Part, Weekday

_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ShiftPart(Part):
    shift: str
    start: time
    end: time
    days: tuple[Weekday, ...] | None = None
    cycle_day: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_kind_of_day(self) -> "ShiftPart":
        if (self.days is None) == (self.cycle_day is None):
            raise ValueError("give either days (mon..sun) or cycle_day (0..cycle_days - 1)")
        return self


class ExceptionPart(Part):
    date: date
    kind: Literal["closed", "open"]
    shift: str = ""
    start: time | None = None
    end: time | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "ExceptionPart":
        if self.kind == "open" and (not self.shift or self.start is None or self.end is None):
            raise ValueError("an open exception needs shift, start and end")
        return self


class PlannedStopPart(Part):
    key: Key
    reason: str = ""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    to: AwareDatetime | None = None
    shift: str | None = None
    start: time | None = None
    end: time | None = None
    valid_from: date = date(1970, 1, 1)
    valid_to: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "PlannedStopPart":
        once = self.from_ is not None and self.to is not None
        repeated = self.start is not None and self.end is not None
        if once == repeated:
            raise ValueError("give either from and to (once) or start and end (in every shift)")
        return self


class CalendarPart(Part):
    asset: Key | None = None
    valid_from: date = date(1970, 1, 1)
    valid_to: date | None = None
    anchor_date: date = date(1970, 1, 5)
    cycle_days: Annotated[int, Field(gt=0, le=366)] = 7
    shifts: tuple[ShiftPart, ...] = ()
    exceptions: tuple[ExceptionPart, ...] = ()
    planned_stops: tuple[PlannedStopPart, ...] = ()


def weekday_number(day: Weekday) -> int:
    """0 = Monday."""
    return _WEEKDAYS.index(day)
