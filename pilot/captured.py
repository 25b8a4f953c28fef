"""Messages from files instead of a broker: payloads as they are, or lines of JSON with topic and payload."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pilot.errors import PilotError


class Captured(NamedTuple):
    """A message out of a file."""

    topic: str
    payload: bytes


def captured(path: Path, topic: str) -> Iterator[Captured]:
    """Messages of a file: with a topic the file is one payload, else each line is a JSON object that says its topic.

    Such lines are what an export of rejected messages holds, and what many recorders of MQTT write.
    """
    if topic:
        yield Captured(topic, path.read_bytes())
        return
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if line.strip():
            yield _message(line, f"{path}, line {number}")


def _message(line: str, place: str) -> Captured:
    try:
        record = json.loads(line)
        return Captured(record["topic"], _payload(record))
    except (ValueError, KeyError, TypeError) as error:
        raise PilotError(
            f"{place}: a JSON object with topic and payload (or payload_b64, payload_hex) was expected. "
            "For a file that is one payload give its topic with --topic."
        ) from error


def _payload(record: dict[str, Any]) -> bytes:
    for name, read in (("payload_b64", base64.b64decode), ("payload_base64", base64.b64decode)):
        if name in record:
            return read(record[name])
    if "payload_hex" in record:
        return bytes.fromhex(record["payload_hex"])
    payload = record["payload"]
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
