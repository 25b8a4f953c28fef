"""Kinds of business records and what a record of each may state: the one place that importers, the KPI job,
criteria and the documentation read.

Beside its own fields every record has key, asset (empty = the site), from and to (empty = still open).
"""

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


def _text(name: str, what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.TEXT, what, required=required)


def _number(name: str, what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.NUMBER, what, required=required)


def _time(name: str, what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.TIME, what, required=required)


def _by(name: str, what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.CHOICE, what, _SYSTEM_OR_PERSON, required)


def _choice(name: str, choices: Iterable[str], what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.CHOICE, what, tuple(choices), required)


def _yes_no(name: str, what: str, *, required: bool = False) -> Field:
    return Field(name, Kind.YES_NO, what, required=required)


_IN_KPIS = "KPIs: in the time in which it ends"
_OVER_TIME = "KPIs: over its time"
_BEGINS = "criteria: those that begin in the window"
_ENDS = "criteria: those that end in the window"
_DUE = "criteria: those that end in the window, and open ones that are overdue at its end"

_SETS = (
    RecordSet(
        "order",
        "A production or customer order",
        f"{_IN_KPIS}; {_DUE}",
        (
            _time("due", "promised end"),
            _time("planned_to", "planned end"),
            _number("quantity", "ordered pieces"),
            _number("delivered", "delivered pieces"),
            _time("released", "when the other system released it"),
            _time("received", "when it was there by interface"),
            _number("transport_s", "time in transport, s"),
            _number("queuing_s", "time in queues, s"),
            _number("planned_scrap", "planned scrap, pieces"),
            _number("capacity", "production capacity, pieces"),
            _number("first_operation_quantity", "pieces of the first operation"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "maintenance",
        "A maintenance task",
        f"{_IN_KPIS}; {_DUE}",
        (
            _text("type", "preventive or corrective"),
            _number("duration_s", "time spent, s; without it from its beginning to its end"),
            _time("due", "by when it was to be done"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "inspection",
        "An inspection of pieces",
        _IN_KPIS,
        (
            _number("inspected", "inspected pieces"),
            _number("first_pass_good", "good at the first time"),
            _number("reworked_good", "good after rework"),
            _number("rework", "pieces to rework"),
            _number("failed", "failed for good"),
            _number("defects", "defects found"),
            _number("opportunities", "opportunities for a defect"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "attendance",
        "Working time of people",
        _IN_KPIS,
        (_number("work_s", "time worked on orders, s"), _number("attendance_s", "time attended, s")),
        in_kpis=True,
    ),
    RecordSet(
        "inventory",
        "A reading of stock between stations, or an account of material",
        f"{_IN_KPIS}; {_BEGINS}",
        (
            _number("stock", "pieces between the stations"),
            _number("minimum", "least allowed"),
            _number("maximum", "most allowed"),
            _text("next", "station after the stock, where the asset before it feeds several"),
            _number("throughput", "amount that went through"),
            _number("average_stock", "mean amount in stock"),
            _number("consumed", "amount consumed"),
            _number("integrated_good", "amount in good products"),
            _number("production_loss", "amount lost in production"),
            _number("storage_transport_loss", "amount lost in storage and transport"),
            _number("other_loss", "amount lost otherwise"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "energy",
        "Energy of media other than electricity and fuels, or exchanged with others",
        _IN_KPIS,
        (
            _text("medium", "steam, compressed air, ..."),
            _number("amount", "amount"),
            _number("mj_per_unit", "MJ of one unit of the amount"),
            _text("source", "where the conversion comes from"),
            _number("exchanged_mj", "energy taken from others, MJ; negative = given away"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "fuel",
        "Fuel burned",
        _OVER_TIME,
        (
            _text("fuel", "a fuel of the site's set"),
            _number("amount", "amount"),
            _text("unit", "unit of mass, volume or net energy"),
            _number("density_kg_per_l", "density, where the set has none"),
            _number("ncv_tj_per_gg", "net calorific value, where the set has none"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "refrigerant",
        "Refrigerant lost",
        _OVER_TIME,
        (_text("gas", "the gas"), _number("amount", "amount"), _text("unit", "unit of mass")),
        in_kpis=True,
    ),
    RecordSet(
        "precursor",
        "A precursor that went into goods",
        _IN_KPIS,
        (
            _number("mass_t", "mass, t"),
            _number("see_direct", "direct specific embedded emissions, t CO2e/t"),
            _number("see_indirect", "indirect specific embedded emissions, t CO2e/t"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "work_order",
        "A work order of the maintenance system",
        "criteria: those that lie in the window, wholly or partly",
        (
            _text("alarm", "key of the alarm that it answers"),
            _by("opened_by", "who opened it"),
        ),
    ),
    RecordSet(
        "plan",
        "A production plan of a shift",
        f"{_BEGINS}; planned hours: those inside the window",
        (
            _time("recorded", "when the plan was recorded"),
            _number("planned_quantity", "planned pieces"),
            _text("shift", "key of the shift"),
        ),
    ),
    RecordSet(
        "replan",
        "A new released plan after a disruption (to: when it was released)",
        _ENDS,
        (_time("disruption", "when the disruption began", required=True),),
    ),
    RecordSet(
        "milk_run",
        "A milk run or replenishment tour (from: when it began)",
        _BEGINS,
        (_time("planned", "time of the timetable", required=True),),
    ),
    RecordSet(
        "replenishment",
        "A replenishment of a part",
        _BEGINS,
        (
            _choice("signal", ("electronic", "other"), "how it was called", required=True),
            _choice("part_class", ("A", "B", "C"), "class of the part; empty counts as A"),
        ),
    ),
    RecordSet(
        "tag_read",
        "A container or order that passed (from: when it was read)",
        _BEGINS,
        (
            _yes_no("tagged", "identified by a tag", required=True),
            _time("visible", "when the system showed it"),
        ),
    ),
    RecordSet(
        "trace",
        "A unit or lot that was made",
        _BEGINS,
        (
            _text("machine", "the machine; without it the asset of the record"),
            _yes_no("parameters", "process parameters are linked", required=True),
        ),
    ),
    RecordSet(
        "mission",
        "An internal transport",
        _BEGINS,
        (_by("triggered_by", "who triggered it", required=True),),
    ),
    RecordSet(
        "call_off",
        "A call-off to a supplier",
        _BEGINS,
        (_by("sent_by", "who sent it", required=True),),
    ),
    RecordSet(
        "shutdown",
        "An idle period of a machine",
        _BEGINS,
        (
            _number("idle_s", "length of the idle period, s", required=True),
            _by("by", "who ended or shifted the load; empty = nobody"),
        ),
    ),
    RecordSet(
        "deviation",
        "A deviation of a process",
        _BEGINS,
        (_by("corrected_by", "who corrected it", required=True),),
    ),
    RecordSet(
        "problem",
        "A record of problem solving (to: when its actions were closed)",
        f"{_BEGINS}; closing: those that are closed in the window, and open ones older than 30 days at its end",
        (
            _time("stop", "when the stop began that it is about"),
            _text("trigger", "key of the trigger that it answers"),
            _text("part", "missing part"),
            _by("flagged_by", "who flagged the missing part"),
            _time("cause_found", "when the root cause was recorded"),
            _by("resolved_by", "who diagnosed and resolved it"),
        ),
    ),
    RecordSet(
        "trigger_rule",
        "A rule in force that triggers problem solving on a line",
        "criteria: those in force in the window",
        (_text("rule", "when a problem is to be solved", required=True),),
    ),
    RecordSet("trigger", "An event that triggers problem solving", _BEGINS, (_text("shift", "key of the shift"),)),
    RecordSet(
        "onboarding",
        "One more machine connected (from: decision, to: first data)",
        _ENDS,
        (),
    ),
    RecordSet(
        "model_review",
        "A review of how a model or rule in use performed (from, to: the time that it looks at)",
        _ENDS,
        (
            _text("model", "the model or rule, as predictions or alerts name it", required=True),
            _text("use_case", "what it is used for, counted once; empty = the model"),
            _number("days_used", "days of that time with its use; empty = those with predictions or alerts of it"),
            _number("performance", "what was found, in the measure that the site chose", required=True),
        ),
    ),
    RecordSet(
        "model_release",
        "A release of a model that was trained again (from: training began, to: it went live)",
        _ENDS,
        (
            _text("model", "the model", required=True),
            _by("trained_by", "who started the training", required=True),
            _by("released_by", "who put it live", required=True),
            _time("approved", "when its approval was logged"),
        ),
    ),
)
RECORD_SETS: Mapping[str, RecordSet] = {each.kind: each for each in _SETS}
