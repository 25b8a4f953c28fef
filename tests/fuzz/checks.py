"""What must hold for every message whatever is in it: an answer in time, within memory, and an account that adds up."""

import re
import signal
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ingest.decode.result import Decoded, Rejection
from ingest.message import Message
from model.ledger import MESSAGE_ACCOUNT, VALUE_ACCOUNT
from model.vocabulary import Quality
from tests.fuzz.corpus import RECEIVED_US, Seed
from tests.fuzz.pipeline import LIMITS, Outcome, receive, store

MOST_CPU_S = 5.0  # for the largest payload, taken twice
HANGS_S = 60.0
MOST_BYTES = 24 << 20  # whatever the payload
MOST_BYTES_PER_BYTE = 200  # of the payload when it is open
LONGEST_SENTENCE = 1_000
_QUALITIES = {int(quality) for quality in Quality}


class HangError(BaseException):
    """Not an Exception: nothing on the way may swallow it."""


def check(seed: Seed, payload: bytes, *, memory: bool = False) -> Outcome:
    """Take a message in, plan its rows, and look at everything that came of it.

    Args:
        seed: what the payload was made of: topic, mapping, what came before.
        payload: as it arrives.
        memory: measure the memory that is taken and not the time, since measuring makes everything slow.
    """
    size = min(len(payload) * 1100, LIMITS.payload_bytes)
    with _little_memory(size) if memory else _in_time():
        messages = receive(seed, payload)
        for message in messages:
            check_decoded(message.decoded)
        outcome = store(messages)
    _check_accounts(outcome)
    _check_rows(outcome)
    return outcome


@contextmanager
def _in_time() -> Iterator[None]:
    """Fail when what is done inside takes too long."""
    before = signal.signal(signal.SIGPROF, _hangs)
    signal.setitimer(signal.ITIMER_PROF, HANGS_S)
    began = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    took = time.process_time() - began
    assert took < MOST_CPU_S, f"{took:.1f} s of CPU"


@contextmanager
def _little_memory(size: int) -> Iterator[None]:
    """Fail when what is done inside takes too much memory for a payload of that size."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES + size * MOST_BYTES_PER_BYTE, f"{peak:,} bytes for a payload of {size:,}"


def _hangs(*_: object) -> None:
    raise HangError(f"no answer after {HANGS_S} s of CPU")


def check_decoded(decoded: Decoded) -> None:
    """The content of one message is of the shape that everything behind it relies on."""
    if decoded.whole is not None:
        _check_rejection(decoded.whole)
        assert _counted(decoded) == 0, "refused as a whole, and yet something is in it"
    for name, unit, ts_us, value, quality in decoded.every_value():
        assert isinstance(name, str)
        assert unit is None or isinstance(unit, str)
        assert type(ts_us) is int
        assert -(1 << 63) <= ts_us < 1 << 63
        assert value is None or isinstance(value, str) or (type(value) is float and np.isfinite(value))
        assert quality in _QUALITIES
    for rejection in decoded.rejected:
        _check_rejection(rejection)
    assert decoded.ignored >= 0
    assert all(type(number) is int and number >= 0 for number in decoded.seq)


def _check_rejection(rejection: Rejection) -> None:
    assert re.fullmatch(r"[a-z_]{2,30}", rejection.code)
    assert rejection.detail
    assert len(rejection.detail) <= LONGEST_SENTENCE, f"{len(rejection.detail)}: {rejection.detail[:200]}"
    assert "our decoder failed" not in rejection.detail
    assert rejection.values >= 0


def _check_accounts(outcome: Outcome) -> None:
    """Every value that was in a message has one outcome, and both accounts add up."""
    for place, message in enumerate(outcome.messages):
        assert outcome.counted.decoded[place] == _content(message), message.source.topic
    for one in outcome.accounts.values():
        for total, *parts in (MESSAGE_ACCOUNT, VALUE_ACCOUNT):
            assert one.counts[total] == sum(one.counts[part] for part in parts)
    for why in outcome.plan.rejections.values():
        for rejection in why:
            _check_rejection(rejection)


def _content(message: Message) -> int:
    return _counted(message.decoded) + sum(rejection.values for rejection in message.decoded.rejected)


def _counted(decoded: Decoded) -> int:
    return decoded.count + len(decoded.events)


def _check_rows(outcome: Outcome) -> None:
    """What goes to the database can be stored there."""
    rows = outcome.plan.rows()
    assert not np.isinf(rows.value).any()
    if len(rows.ts_us):
        assert rows.ts_us.min() >= LIMITS.earliest_us
        assert rows.ts_us.max() <= RECEIVED_US + LIMITS.future_us
    keys = set(zip(rows.series_id.tolist(), rows.ts_us.tolist(), strict=True))
    assert len(keys) == len(rows.ts_us), "a key comes twice"
    for text, _ in outcome.plan.texts:
        _check_text(text, LIMITS.text_length)
    for event in outcome.plan.events:
        _check_text(event.row.key, LIMITS.text_length)
        _check_text(event.row.payload)
    for refusal in outcome.refused:
        for value in refusal.row.values():
            _check_any(value)


def _check_any(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, bytes):
        assert len(value) <= LIMITS.payload_bytes


def _check_text(text: str, longest: int = 1 << 30) -> None:
    assert "\x00" not in text
    assert len(text) <= longest
    text.encode()
