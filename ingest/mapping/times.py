"""Rules of time: where the time of a message stands, and stretches of time named by a date and a slot."""

from datetime import time
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from ingest.mapping.part import Part, zone_name

_ZONE_FORMATS = ("rfc3339", "unix_s", "unix_ms", "unix_us")
RECEIVE = "receive"


class TimeRule(Part):
    """Where the time stands and how it is written; `receive` alone means the time of receipt."""

    source: str | None = Field(None, alias="from")
    format: str = "rfc3339"
    zone: str | None = None
    midnight: Literal["opens_day", "closes_day"] = "opens_day"
    receive: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {RECEIVE: True} if value == RECEIVE else value

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return zone_name(value)

    @model_validator(mode="after")
    def _complete(self) -> "TimeRule":
        if self.receive and self.source is not None:
            raise ValueError(
                "either `from` or `receive`: a time that comes from the payload is not the time of receipt"
            )
        if self.format not in _ZONE_FORMATS and "%" not in self.format:
            raise ValueError(f"format must be one of {', '.join(_ZONE_FORMATS)} or a pattern such as %d/%m/%Y %H:%M")
        if "%" in self.format and "%z" not in self.format and self.zone is None:
            raise ValueError("a pattern without %z needs the zone of the device, such as Asia/Ho_Chi_Minh")
        return self

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone or "UTC")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Editors may offer the short form."""
        return {"anyOf": [{"const": RECEIVE}, handler(core)]}


class SlotRule(Part):
    """A stretch of time named by a date and a slot of the day, such as a shift of 8 h that starts at 22:00."""

    date: str
    slot: str
    starts: dict[str, time]
    hours: Annotated[float, Field(gt=0, le=24)]
    zone: str
    date_format: str = "%Y-%m-%d"

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        return zone_name(value) or value

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)
