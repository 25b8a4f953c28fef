"""What a text or a time may be: sentences about those that cannot be stored, pseudonyms for those that name people."""

import hashlib
import hmac
from datetime import UTC, datetime

from ingest.decode.result import Rejection, shown
from ingest.limits import Limits


def storable(text: str) -> str:
    """The text with what PostgreSQL cannot hold (NUL, lone surrogates) written as escapes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def text_problem(text: str, limits: Limits) -> Rejection | None:
    """Why a text cannot be stored, if so."""
    if len(text) > limits.text_length:
        return Rejection(
            "text_too_long", f"the text {shown(text)} has {len(text)} characters, {limits.text_length} are allowed"
        )
    if storable(text) != text:
        return Rejection("bad_text", f"the text {shown(text)} holds characters that cannot be stored")
    return None


def pseudonym(name: str, key: bytes) -> str:
    """The keyed pseudonym that stands for a person: the same for the same name and site, of no use without the key."""
    return "p-" + hmac.new(key, name.strip().encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:20]


def time_problem(ts_us: int, received_us: int, limits: Limits) -> Rejection:
    """The sentence about a time that cannot be."""
    if ts_us < limits.earliest_us:
        year = _moment(limits.earliest_us).year
        hint = " (seconds instead of milliseconds?)" if 0 < ts_us < limits.earliest_us // 100 else ""
        return Rejection("too_old", f"time {_moment(ts_us):%Y-%m-%dT%H:%M:%SZ} is before {year}{hint}")
    ahead_s = (ts_us - received_us) / 1e6
    allowed = limits.future_us // 60_000_000
    sentence = (
        f"time {_text_of(ts_us)} is {_span(ahead_s)} ahead of the receiver's clock; {allowed} minutes are allowed"
    )
    return Rejection("in_future", sentence)


def _moment(us: int) -> datetime:
    return (
        datetime.fromtimestamp(us // 1_000_000, UTC)
        if 0 <= us < 4_102_444_800_000_000
        else datetime(1970, 1, 1, tzinfo=UTC)
    )


def _text_of(us: int) -> str:
    known = 0 <= us < 4_102_444_800_000_000
    return f"{_moment(us):%Y-%m-%dT%H:%M:%SZ}" if known else "after the year 2100"


def _span(seconds: float) -> str:
    for size, unit in ((86_400 * 365.25, "years"), (86_400, "days"), (3_600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
