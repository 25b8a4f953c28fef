"""Which member of an unknown record is its time, and how it is written: members in, a rule of time out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingest.decode.paths import leaves
from ingest.mapping.times import RECEIVE

_NAMES = frozenset(
    ("ts", "t", "at", "dt", "time", "timestamp", "datetime", "date", "timestamp_ms", "ts_ms", "time_ms", "sampletime")
)
# A number of seconds, milliseconds or microseconds since 1970 of these decades is at least this large.
_SINCE = ((1e14, "unix_us"), (1e11, "unix_ms"), (1e8, "unix_s"))


def time_rule(record: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, str] | str, str]:
    """The rule of time of a record (or of the payload around it), and the path it reads."""
    for prefix, members in (("", record), ("$", root)):
        for path, rule in _times(members):
            if prefix:
                whole = path.replace("$", "$$", 1) if path.startswith("$") else f"$$.{path}"
                return {"from": whole, **rule}, whole
            return {"from": path, **rule}, path
    return RECEIVE, ""


def _times(members: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for name, path, value in leaves(members):
        if name.rpartition(".")[2].lower() in _NAMES:
            rule = _written(value)
            if rule:
                yield path, rule


def _written(value: Any) -> dict[str, str]:
    """How a time is written, nothing if it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return next(({"format": name} for least, name in _SINCE if value >= least), {})
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return {}
    if at is None:
        return {}
    return {"format": "rfc3339"} if at.tzinfo else {"format": "rfc3339", "zone": "UTC"}
