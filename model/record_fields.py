"""What a field of a business record may hold: fields and kinds of records, which check and give what is kept of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_SYSTEM_OR_PERSON = ("system", "person")  # no names of people


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    YES_NO = "yes or no"
    CHOICE = "one of"


@dataclass(frozen=True)
class Field:
    """A field of a record; what it is, in English."""

    name: str
    kind: Kind
    what: str
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def shown_kind(self) -> str:
        """What it holds, for people."""
        return f"one of {', '.join(self.choices)}" if self.choices else self.kind.value

    def checked(self, value: Any) -> Any:
        """Give the value as it is kept.

        Raises:
            ValueError: it is not what the field holds.
        """
        match self.kind:
            case Kind.TEXT:
                return as_text(value)
            case Kind.NUMBER if isinstance(value, int | float):
                return value
            case Kind.TIME if _is_time(as_text(value)):
                return as_text(value)
            case Kind.YES_NO if as_text(value).lower() in (*_YES, *_NO):
                return "yes" if as_text(value).lower() in _YES else "no"
            case Kind.CHOICE:
                found = [each for each in self.choices if each.lower() == as_text(value).lower()]
                if found:
                    return found[0]
        raise ValueError(f"{self.name} {as_text(value)!r} is not {_WANTED.get(self.kind, self.shown_kind)}")


_WANTED = {
    Kind.NUMBER: "a number",
    Kind.TIME: "a time such as 2026-11-22T14:00 or 2026-11-22T14:00+07:00",
    Kind.YES_NO: "yes or no",
}


@dataclass(frozen=True)
class RecordSet:
    """A kind of record.

    Attributes:
        kind: its name.
        what: what one record is, in English.
        counted: which records of a window count.
        fields: what it may state; other columns are kept and not read.
        in_kpis: whether KPIs are made of it, so that days are computed again when it changes.
    """

    kind: str
    what: str
    counted: str
    fields: tuple[Field, ...]
    in_kpis: bool = False

    def checked(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give what a record says as it is kept.

        Raises:
            ValueError: a field lacks or does not hold what it should; says which.
        """
        kept = dict(said)
        for field in self.fields:
            if field.name in said:
                kept[field.name] = field.checked(said[field.name])
            elif field.required:
                raise ValueError(f"has no {field.name}")
        return kept


def as_text(value: Any) -> str:
    """A value of a table as text: a number that was a whole one without its point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def text_field(name: str, what: str, *, required: bool = False) -> Field:
    """Make a field that holds any text."""
    return Field(name, Kind.TEXT, what, required=required)


def number_field(name: str, what: str, *, required: bool = False) -> Field:
    """Make a field that holds a number."""
    return Field(name, Kind.NUMBER, what, required=required)


def time_field(name: str, what: str, *, required: bool = False) -> Field:
    """Make a field that holds a time."""
    return Field(name, Kind.TIME, what, required=required)


def by_field(name: str, what: str, *, required: bool = False) -> Field:
    """Make a field that says whether a system or a person did it."""
    return Field(name, Kind.CHOICE, what, _SYSTEM_OR_PERSON, required)


def choice_field(name: str, choices: Iterable[str], what: str, *, required: bool = False) -> Field:
    """Make a field that holds one of some texts."""
    return Field(name, Kind.CHOICE, what, tuple(choices), required)


def yes_no_field(name: str, what: str, *, required: bool = False) -> Field:
    """Make a field that holds yes or no."""
    return Field(name, Kind.YES_NO, what, required=required)
