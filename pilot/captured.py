"""Messages from files instead of a broker: payloads as they are, or lines of JSON with topic and payload."""

import base64
import gzip
import json
import time
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pilot.errors import PilotError

_GZIP = b"\x1f\x8b"
_RECENT_S = 1e9  # a number of seconds since 1970, and no running number


class Captured(NamedTuple):
    """A message out of a file, and when it was received (µs UTC)."""

    topic: str
    payload: bytes
    received_us: int


def captured(path: Path, topic: str) -> Iterator[Captured]:
    """Messages of a file: with a topic the file is one payload, else each line is a JSON object that says its topic.

    Such lines are what `haidang rejected export` writes, and what many recorders of MQTT write.
    """
    if topic:
        yield Captured(topic, path.read_bytes(), _now_us())
        return
    number = 0
    try:
        with _text(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _message(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise PilotError(f"{path} cannot be read beyond line {number}: {error}") from error


def _text(path: Path) -> TextIO:
    """The text of a file, unpacked where its first bytes say that it is compressed."""
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
    return (gzip.open if is_packed else open)(path, "rt", encoding="utf-8", errors="replace")


def _message(line: str, place: str) -> Captured:
    try:
        record = json.loads(line)
        return Captured(record["topic"], _payload(record), _received_us(record))
    except (ValueError, KeyError, TypeError) as error:
        raise PilotError(
            f"{place}: a JSON object with topic and payload (or payload_b64, payload_hex) was expected. "
            "For a file that is one payload give its topic with --topic."
        ) from error


def _payload(record: dict[str, Any]) -> bytes:
    if "payload_hex" in record:
        return bytes.fromhex(record["payload_hex"])
    if "payload_b64" in record:
        return base64.b64decode(record["payload_b64"])
    payload = record["payload"]
    if "replayable" in record:  # a line of our own export
        return base64.b64decode(payload)
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()


def _received_us(record: dict[str, Any]) -> int:
    """When a message was received: `last_at` of an export, `t` (s since 1970) of a recorder; now for all others."""
    at, seconds = record.get("last_at"), record.get("t")
    if isinstance(at, str):
        return round(datetime.fromisoformat(at).timestamp() * 1e6)
    return round(seconds * 1e6) if isinstance(seconds, int | float) and seconds > _RECENT_S else _now_us()


def _now_us() -> int:
    return time.time_ns() // 1000
