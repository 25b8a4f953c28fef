"""Events made from records of JSON: record and rule in, an event, or the reason why there is none, out."""

from typing import Any

from ingest.decode.paths import FieldError
from ingest.decode.record import Record
from ingest.decode.result import Decoded, Event, Person, Rejection, shown
from ingest.decode.scalars import REMOVED, number
from ingest.decode.times import TimeError, slot_times
from ingest.mapping import PLACE, EventRule


def add_event(result: Decoded, record: Record, rule: EventRule) -> None:
    """Add the event that a rule makes of a record."""
    try:
        result.events.append(_event(record, rule))
    except (FieldError, TimeError) as error:
        code = "bad_time" if isinstance(error, TimeError) else "wrong_type"
        result.rejected.append(Rejection(code, f"{rule.kind}: {error}"))


def _event(record: Record, rule: EventRule) -> Event:
    payload: dict[str, Any] = {
        **{name: _text(record, source) for name, source in rule.texts.items()},
        **{name: _count(record, name, source) for name, source in rule.numbers.items()},
        **{
            group: {name: _count(record, name, source) for name, source in sources.items()}
            for group, sources in rule.groups.items()
        },
    }
    key = PLACE.sub(lambda found: str(record.get(found[1]) or ""), rule.key)
    if rule.slot is None:
        return Event(rule.kind, key, record.time(), payload)
    from_us, to_us = slot_times(record.get(rule.slot.date), record.get(rule.slot.slot), rule.slot)
    return Event(rule.kind, key, from_us, payload, from_us, to_us)


def _text(record: Record, source: str) -> str | None:
    value = record.get(source)
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        raise FieldError(f"{source} must be a text, not {_shown(record, value, source)}")
    return Person(value) if source in record.mapping.persons else str(value)


def _count(record: Record, name: str, source: str) -> int | float:
    """A count; an empty cell means that there were none."""
    value = record.get(source)
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0
    found = number(value)
    if found is None or isinstance(value, bool):
        raise FieldError(f"{name} must be a number, not {_shown(record, value, source)}")
    if found < 0:
        raise FieldError(f"{name} is negative ({_shown(record, value, source)})")
    return int(found) if found.is_integer() else found


def _shown(record: Record, value: Any, source: str) -> str:
    """The value of a field as a sentence may show it: without what may name a person."""
    hidden = source in record.mapping.hidden
    return f"a {type(value).__name__} {REMOVED}" if hidden else shown(value)
