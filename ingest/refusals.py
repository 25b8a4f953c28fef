"""A finished plan in, rows of `rejected_message` out: what was refused, why, and as much of it as may be kept. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest.account import Tally
from ingest.columns import Plan
from ingest.content import storable
from ingest.decode import mapped
from ingest.decode.result import Rejection
from ingest.limits import Limits
from ingest.message import Message
from ingest.over_quota import OverQuota
from model.instants import instant

MOST_SENTENCES = 20
KEPT_OF_TOO_LARGE = 65_536  # bytes of a payload that is over the limit, and so cannot be replayed anyway


@dataclass
class Refusal:
    """One refused content, and the places of the messages that brought it."""

    row: dict[str, Any]
    places: list[int] = field(default_factory=list)

    def add(self, place: int, message: Message) -> None:
        """Another message of this content."""
        self.places.append(place)
        self.row["times"] += not message.may_repeat

    def again(self, messages: Sequence[Message], *, is_new: bool) -> list[int]:
        """Places of the messages that the broker sends again, of which all was kept before or earlier in this batch."""
        earlier = self.places[1:] if is_new else self.places
        return [place for place in earlier if messages[place].may_repeat and self.row["whole"]]


def refusals(plan: Plan, counted: Tally, at_us: int, limits: Limits, over: OverQuota | None = None) -> list[Refusal]:
    """What is to be kept: each content once, however often it came in this batch; replays have their row already."""
    found: dict[bytes, Refusal] = {}
    at = instant(at_us)
    over = over or OverQuota()
    for place in refused_places(plan):
        message = plan.messages[place]
        if message.replay_of:
            continue
        site_id, device_id = plan.headers.place_of(place)
        row = over.counted_in(message, site_id)
        if row is not None:
            found.setdefault(row["digest"], Refusal({**row, "times": 0, "at": at})).row["times"] += 1
            continue
        received_us = message.received_us if message.source.timed_by_receipt else None
        digest = digest_of(message.source.topic, message.payload, received_us)
        if digest not in found:
            seen_at = at if received_us is None else instant(received_us)
            found[digest] = Refusal(
                {
                    **_row(message, limits),
                    **reasons_of(plan, counted, place),
                    "site_id": site_id or None,
                    "device_id": device_id or None,
                    "digest": digest,
                    "at": seen_at,
                }
            )
            over.keep(message, site_id, found[digest].row)
        found[digest].add(place, message)
    return list(found.values())


def refused_places(plan: Plan) -> list[int]:
    """Places of the messages of which something was refused."""
    wholes = np.flatnonzero(plan.headers.is_refused).tolist()
    return sorted({*wholes, *(place for place, why in plan.rejections.items() if why)})


def digest_of(topic: str, payload: bytes, received_us: int | None = None) -> bytes:
    """What tells one refused content from another; its time of receipt does where that is the time of its values."""
    when = b"" if received_us is None else b"%d\x00" % received_us
    return hashlib.sha256(when + topic.encode("utf-8", "surrogatepass") + b"\x00" + payload).digest()


def reasons_of(plan: Plan, counted: Tally, place: int) -> dict[str, Any]:
    """Why (a part of) a message was refused: code, sentences, whether nothing of it was stored."""
    whole = plan.messages[place].decoded.whole
    reasons = [whole] if whole is not None else plan.rejections[place]
    return {
        "reason": reasons[0].code,
        "detail": storable(sentences(reasons)),
        "whole": bool(whole is not None or counted.rejected[place] == counted.decoded[place]),
    }


def _row(message: Message, limits: Limits) -> dict[str, Any]:
    payload = kept_payload(message, limits)
    return {
        "topic": storable(message.source.topic),
        "payload": payload,
        "payload_bytes": len(message.payload),
        "replayable": payload == message.payload and storable(message.source.topic) == message.source.topic,
        "times": 0,
    }


def kept_payload(message: Message, limits: Limits) -> bytes:
    """The payload as far as it is kept: up to the limit, without what names persons."""
    mapping = message.source.mapping
    payload = mapped.redacted(message.payload, mapping) if mapping is not None else message.payload
    return payload if len(payload) <= limits.payload_bytes else payload[:KEPT_OF_TOO_LARGE]


def sentences(reasons: Sequence[Rejection]) -> str:
    """The reasons as one text, each once."""
    unique = list(dict.fromkeys(reason.detail for reason in reasons))
    more = len(unique) - MOST_SENTENCES
    return "; ".join(unique[:MOST_SENTENCES]) + (f"; and {more} more" if more > 0 else "")
