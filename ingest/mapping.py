"""Mapping files: how messages of any shape become values and events (docs/mapping.md). YAML in, checked rules out."""

import re
from collections.abc import Iterator
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingest.errors import MappingError
from model.units import UnitError, conversion, guess
from model.vocabulary import QUANTITIES, EventKind, SeriesKind

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_ZONE_FORMATS = ("rfc3339", "unix_s", "unix_ms", "unix_us")


class Part(BaseModel):
    """A part of the file: no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TimeRule(Part):
    """Where the time stands and how it is written; `from` is not needed for SHDR."""

    source: str | None = Field(None, alias="from")
    format: str = "rfc3339"
    zone: str | None = None
    midnight: Literal["opens_day", "closes_day"] = "opens_day"

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _zone_name(value)

    @model_validator(mode="after")
    def _complete(self) -> "TimeRule":
        if self.format not in _ZONE_FORMATS and "%" not in self.format:
            raise ValueError(f"format must be one of {', '.join(_ZONE_FORMATS)} or a pattern such as %d/%m/%Y %H:%M")
        if "%" in self.format and "%z" not in self.format and self.zone is None:
            raise ValueError("a pattern without %z needs the zone of the device, such as Asia/Ho_Chi_Minh")
        return self

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone or "UTC")


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
        return _zone_name(value) or value

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class ValueRule(Part):
    """One series: where its value stands, what it is called, what it measures."""

    source: str = Field(alias="from")
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,99}$")]
    quantity: str
    unit: str = ""
    scale: float = 1.0
    kind: SeriesKind | None = None
    qualifier: str = ""
    interval_s: Annotated[float, Field(gt=0)] | None = None
    interval_label: Literal["start", "end"] | None = None
    range: tuple[float, float] | None = None
    person: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "ValueRule":
        if self.quantity not in QUANTITIES:
            raise ValueError(f"{self.quantity!r} is not a listed quantity; known: {', '.join(sorted(QUANTITIES))}")
        if self.series_kind is SeriesKind.DELTA and (self.interval_s is None or self.interval_label is None):
            raise ValueError("kind delta needs interval_s and interval_label (start or end)")
        if self.quantity != "number":
            try:
                conversion(self.unit, self.quantity, QUANTITIES[self.quantity].unit)
            except UnitError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def series_kind(self) -> SeriesKind:
        return self.kind or QUANTITIES[self.quantity].kind

    @property
    def is_text(self) -> bool:
        return self.series_kind is SeriesKind.STATE


class EventRule(Part):
    """An event made from a record: when, which key tells it from others, what it carries."""

    kind: EventKind
    slot: SlotRule | None = None
    key: str = ""
    texts: dict[str, str] = {}
    numbers: dict[str, str] = {}
    groups: dict[str, dict[str, str]] = {}


class Mapping(Part):
    """One kind of message."""

    topic: str
    site: str
    asset: str
    format: Literal["json", "shdr"]
    time: TimeRule = Field(default_factory=lambda: TimeRule.model_validate({}))
    unmapped: Literal["ignore", "propose"] = "ignore"
    values: tuple[ValueRule, ...] = ()
    events: tuple[EventRule, ...] = ()
    conditions: Literal["ignore", "alarm"] = "ignore"
    persons: tuple[str, ...] = ()
    replay: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Mapping":
        named = set(PLACE.findall(self.topic))
        unknown = (set(PLACE.findall(self.asset)) | set(PLACE.findall(self.site))) - named
        if unknown:
            raise ValueError(f"{{{unknown.pop()}}} is not a segment of the topic {self.topic}")
        if set(self.topic) & set("+#"):
            raise ValueError("write {name} for a segment that varies, not + or #")
        if self.format == "json" and self.time.source is None and (self.values or self._needs_time()):
            raise ValueError("time needs `from`: the member that holds the time")
        hidden = {name for rule in self.events for name in PLACE.findall(rule.key)} & set(self.persons)
        if hidden:
            raise ValueError(f"the key of an event may not hold the person field {hidden.pop()}")
        for what, names in (("name", [r.name for r in self.values]), ("from", [r.source for r in self.values])):
            if len(set(names)) != len(names):
                raise ValueError(f"two values have the same `{what}`")
        return self

    def _needs_time(self) -> bool:
        return any(rule.slot is None for rule in self.events)

    @cached_property
    def by_source(self) -> dict[str, ValueRule]:
        return {rule.source: rule for rule in self.values}

    @cached_property
    def by_name(self) -> dict[str, ValueRule]:
        return {rule.name: rule for rule in self.values}

    @property
    def names_persons(self) -> bool:
        return bool(self.persons) or any(rule.person for rule in self.values)

    @property
    def subscription(self) -> str:
        """The topic filter of MQTT."""
        return PLACE.sub("+", self.topic)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = PLACE.split(self.topic)
        literal, names = parts[::2], parts[1::2]
        text = re.escape(literal[0])
        for name, after in zip(names, literal[1:], strict=True):
            text += f"(?P<{name}>[^/]+)" + re.escape(after)
        return re.compile(text)

    def place(self, topic: str) -> tuple[str, str] | None:
        """Site key and asset path that a topic stands for, or None if it is not one of ours."""
        found = self.pattern.fullmatch(topic)
        if found is None:
            return None
        segments = found.groupdict()
        return _fill(self.site, segments), _fill(self.asset, segments)

    def rule_for_unmapped(self, name: str, *, is_text: bool) -> ValueRule:
        """What an item that no rule names is proposed as."""
        found = guess(name)
        if is_text:
            quantity = found.quantity if QUANTITIES[found.quantity].kind is SeriesKind.STATE else "text"
            return ValueRule.model_construct(source=name, name=name, quantity=quantity, unit="")
        return ValueRule.model_construct(source=name, name=name, quantity=found.quantity, unit=found.unit)


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: says file, place and what is wrong.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"The mapping {path} cannot be read: {error}") from error
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise MappingError("\n".join([f"The mapping {path} is not usable:", *lines])) from error


def load_all(paths: list[Path]) -> list[Mapping]:
    """Read mapping files and every `mapping.yaml` below folders."""
    return [load(file) for path in paths for file in _files(path)]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.rglob("mapping*.yaml"))
    else:
        yield path


def _fill(template: str, segments: dict[str, str]) -> str:
    return PLACE.sub(lambda found: segments[found[1]], template)


def _zone_name(value: str | None) -> str | None:
    if value is not None:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Ho_Chi_Minh") from error
    return value
