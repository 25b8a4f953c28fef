"""The events of a batch: checked, stripped of names, repeats found. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from ingest.columns import CONFLICT, DUPLICATE, Plan, PlannedEvent
from ingest.content import pseudonym, storable, text_problem, time_problem
from ingest.decode.result import Event, Person, Rejection
from ingest.limits import Limits
from ingest.message import Message
from ingest.route import Source
from store.raw import EventRow

PersonKey = Callable[[Source], bytes | None]


def plan_events(plan: Plan, unusual: list[int], limits: Limits, person_key: PersonKey) -> None:
    """Check the events of these messages and plan the good ones."""
    for place in unusual:
        message = plan.messages[place]
        for event in message.decoded.events:
            row = _event_row(event, message, limits, person_key)
            if isinstance(row, Rejection):
                plan.rejections[place].append(row)
                plan.event_rejections[place] += 1
            else:
                plan.events.append(PlannedEvent(place, row))


def _event_row(event: Event, message: Message, limits: Limits, person_key: PersonKey) -> EventRow | Rejection:
    source = message.source
    if not limits.earliest_us <= event.ts_us <= message.received_us + limits.future_us:
        return time_problem(event.ts_us, message.received_us, limits)
    problem = text_problem(event.key, limits)
    if problem:
        return problem
    key = person_key(source)
    if key is None and _has_person(event.payload):
        return Rejection("no_person_key", f"site {source.site} has no key for pseudonyms")
    content = _without_persons(event.payload, key or b"")
    if not _is_storable(content):
        return Rejection("bad_text", f"the {event.kind} holds characters that cannot be stored")
    payload = msgspec.json.encode(content).decode()
    return EventRow(
        source.site_id, source.asset_id, event.ts_us, str(event.kind), event.key, event.from_us, event.to_us, payload
    )


def _has_person(payload: Any) -> bool:
    return type(payload) is Person or (isinstance(payload, dict) and any(map(_has_person, payload.values())))


def _is_storable(payload: Any) -> bool:
    if isinstance(payload, dict):
        return all(map(_is_storable, payload.values()))
    return not isinstance(payload, str) or storable(payload) == payload


def _without_persons(payload: Any, key: bytes) -> Any:
    if isinstance(payload, dict):
        return {name: _without_persons(value, key) for name, value in payload.items()}
    return pseudonym(payload, key) if type(payload) is Person else payload


def find_repeated_events(plan: Plan) -> None:
    """Of several events of one key the first received stays."""
    first: dict[tuple[int, str, str, int], PlannedEvent] = {}
    for event in plan.events:
        row = event.row
        kept = first.setdefault((row.asset_id, row.kind, row.key, row.ts_us), event)
        if kept is not event:
            event.outcome = DUPLICATE if kept.row == row else CONFLICT
            if event.outcome == CONFLICT:
                add_event_conflict(plan, event, event_content(kept.row))


def event_content(row: EventRow) -> dict[str, Any]:
    """What an event says, as it is shown beside another one."""
    return {"from_us": row.from_us, "to_us": row.to_us, "payload": msgspec.json.decode(row.payload)}


def add_event_conflict(plan: Plan, event: PlannedEvent, stored: Any) -> None:
    """Note that an event differs from what is stored under its key."""
    row = event.row
    plan.conflicts.append(
        {
            "site_id": row.site_id,
            "series_id": None,
            "asset_id": row.asset_id,
            "event_kind": row.kind,
            "event_key": row.key,
            "ts_us": row.ts_us,
            "stored": stored,
            "received": event_content(row),
            "of": event,
        }
    )
