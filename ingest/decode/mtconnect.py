"""What SHDR lines and MTConnectStreams documents share: observations and conditions of data items."""

from collections.abc import Sequence

from ingest.decode.result import Decoded, Event, Person, Rejection, shown
from ingest.decode.scalars import add_number, number
from ingest.mapping import Mapping, ValueRule
from model.vocabulary import EventKind, Quality

UNAVAILABLE = "UNAVAILABLE"
LEVELS = {"normal": "Normal", "warning": "Warning", "fault": "Fault", "unavailable": "Unavailable"}


def add_observation(result: Decoded, rule: ValueRule, text: str, ts_us: int) -> None:
    """Add the value of a data item; UNAVAILABLE is no signal."""
    unit = rule.unit or None
    unavailable = text.upper() == UNAVAILABLE
    if rule.is_text:
        quality = Quality.NO_SIGNAL if unavailable else Quality.GOOD
        shown_text = UNAVAILABLE if unavailable else rule.word(text)
        result.values.append((rule.name, unit, ts_us, _guarded(shown_text, rule), int(quality)))
        return
    if unavailable or not text:
        result.values.append((rule.name, unit, ts_us, None, int(Quality.NO_SIGNAL)))
        return
    found = number(text)
    if found is None:
        seen = "a text" if rule.person else shown(text)
        result.rejected.append(Rejection("wrong_type", f"{shown(rule.name)} must be a number, not {seen}"))
    else:
        add_number(result, rule, unit, ts_us, found)


def add_condition(result: Decoded, fields: Sequence[str], ts_us: int, mapping: Mapping) -> None:
    """Add a condition (item, level, code, severity, qualifier, text) as an alarm, if alarms are wanted."""
    item, level, code, severity, qualifier, text = fields
    level = LEVELS[level.lower()]
    if mapping.conditions == "ignore" or level == "Unavailable":
        result.ignored += 1
        return
    payload = {"item": item, "level": level, "code": code, "severity": severity, "qualifier": qualifier, "text": text}
    key = f"{item}/{level}/{code}" if code else f"{item}/{level}"
    result.events.append(Event(EventKind.ALARM, key, ts_us, payload))


def _guarded(text: str, rule: ValueRule) -> str:
    return Person(text) if rule.person and text != UNAVAILABLE else text
