"""What all parts of a mapping file have in common."""

from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the file: no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def zone_name(value: str | None) -> str | None:
    """The name of a time zone, checked."""
    if value is not None:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Ho_Chi_Minh") from error
    return value
