"""The `replay:` section of a mapping file: a YAML file in, a checked section out. Nothing else of the file is read."""

import re
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simulators.errors import MappingError

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class TimeRule(BaseModel):
    """Where the device time of a row stands and how it is written; only for pacing and shifting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = None
    field: int | None = Field(default=None, ge=0)
    format: str | None = None  # strptime pattern; None: ISO 8601
    zone: str = "UTC"  # for times written without an offset
    reach_s: float = Field(default=0.0, ge=0)  # how far a row's data reach past the written time

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {zone!r}") from error
        return zone


class ReplaySection(BaseModel):
    """How a recording becomes messages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["csv", "shdr"]
    topic: str = Field(min_length=1)
    time: TimeRule
    files: str = "*"  # which files of a folder
    lines_per_message: int = Field(default=50, ge=1, le=1000)
    rows_per_message: int = Field(default=1, ge=1, le=1000)
    qos: Literal[0, 1] = 1
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)

    @model_validator(mode="after")
    def _time_fits_the_format(self) -> Self:
        if self.format == "csv" and self.time.column is None:
            raise ValueError("time needs `column` when the format is csv")
        if self.format == "shdr" and (self.time.field is None or PLACEHOLDER.search(self.topic)):
            raise ValueError("format shdr needs time `field` and a topic without placeholders")
        if set(self.topic) & set("+#"):
            raise ValueError("a topic to publish on cannot hold + or #")
        return self


def load(path: Path) -> ReplaySection:
    """Read the `replay:` section of a mapping file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"cannot read the mapping {path}: {error}") from error
    section = document.get("replay") if isinstance(document, dict) else None
    if section is None:
        raise MappingError(f"the mapping {path} has no `replay:` section, so it is not known where to publish")
    return _checked(section, path)


def _checked(section: Any, path: Path) -> ReplaySection:
    try:
        return ReplaySection.model_validate(section)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(["replay", *(str(part) for part in problem["loc"])])
        raise MappingError(f"{path}: {where}: {problem['msg'].removeprefix('Value error, ')}") from error
