"""Rules of values and events: where in a record they stand, what they are called, what they measure."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ingest import packml
from ingest.mapping.part import Part
from ingest.mapping.times import SlotRule
from model.units import UnitError, conversion
from model.vocabulary import QUANTITIES, EventKind, SeriesKind


class ValueRule(Part):
    """One series: where its value stands, what it is called, what it measures."""

    source: str = Field("", alias="from")
    name: Annotated[str, Field(pattern=r"^[A-Za-z{][A-Za-z0-9_.:{}-]{0,99}$")]
    quantity: str
    unit: str = ""
    scale: float = 1.0
    kind: SeriesKind | None = None
    qualifier: str = ""
    interval_s: Annotated[float, Field(gt=0)] | None = None
    interval_label: Literal["start", "end"] | None = None
    range: tuple[float, float] | None = None
    texts: dict[str, str] | Literal["packml"] = Field(default_factory=dict)
    person: bool = False

    @field_validator("texts", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """YAML reads `1: IDLE` and `true: RUN` as a number and a truth."""
        return {_key(key): text for key, text in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fits(self) -> "ValueRule":
        if self.quantity not in QUANTITIES:
            raise ValueError(f"{self.quantity!r} is not a listed quantity; known: {', '.join(sorted(QUANTITIES))}")
        if self.series_kind is SeriesKind.DELTA and (self.interval_s is None or self.interval_label is None):
            raise ValueError("kind delta needs interval_s and interval_label (start or end)")
        if self.texts and not self.is_text:
            raise ValueError(f"texts are for states, and {self.quantity} is a number")
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

    @cached_property
    def table(self) -> dict[str, str]:
        """Texts by what is received, such as state numbers."""
        return packml.table(self.quantity) if isinstance(self.texts, str) else self.texts

    def word(self, value: object) -> str:
        """The text of a state as it is stored."""
        if not self.texts:
            return str(value)
        text = str(value).strip()
        if self.texts == "packml" and text.upper() in self.table.values():
            return text.upper()
        found = self.table.get(_key(value))
        return str(value) if found is None else found


class ItemRule(Part):
    """Where a record that is one value says its name, its value and, maybe, its unit."""

    name: str
    value: str
    unit: str | None = None


class EventRule(Part):
    """An event made from a record: when, which key tells it from others, what it carries."""

    kind: EventKind
    slot: SlotRule | None = None
    key: str = ""
    texts: dict[str, str] = Field(default_factory=dict)
    numbers: dict[str, str] = Field(default_factory=dict)
    groups: dict[str, dict[str, str]] = Field(default_factory=dict)


def _key(value: object) -> str:
    """A received value as a table names it: 6.0 is 6, True is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text
