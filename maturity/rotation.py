"""Which key signs the log at which size: a new key is announced in the log and signed by the one before it."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from maturity.errors import KeyFileError, SignatureError
from maturity.notes import PublicKey, SigningKey
from model.canonical import canonical_json

KIND = "key"


@dataclass(frozen=True)
class KeyPeriod:
    """A key and the place of the record that announces it: it signs every larger log until the next one."""

    key: PublicKey
    place: int


def announcement(key: PublicKey, before: SigningKey | None) -> dict[str, Any]:
    """Make the record that announces a key; the key before it, if any, signs it."""
    said = {"kind": KIND, "key": str(key), "replaces": str(before.public) if before else None}
    signature = base64.b64encode(before.sign(canonical_json(said))).decode() if before else None
    return {**said, "signature": signature}


def key_periods(announced: Iterable[tuple[int, Mapping[str, Any]]], pinned: PublicKey | None = None) -> list[KeyPeriod]:
    """Follow the announcements from the first key on.

    Args:
        announced: place and record of each announcement, in order.
        pinned: a key that is trusted for reasons outside of the log; it must be among them.

    Raises:
        SignatureError: an announcement is not signed by the key before it, or the pinned key is not among them.
    """
    periods: list[KeyPeriod] = []
    for place, record in announced:
        key = _parsed(record, "key")
        if periods:
            _check_handover(record, periods[-1].key, key, place)
        elif record.get("replaces") is not None:
            raise SignatureError(f"Record {place} replaces a key that the log never had.")
        periods.append(KeyPeriod(key, place))
    if pinned is not None and pinned not in [period.key for period in periods]:
        raise SignatureError(f"The key {pinned} never signed this log.")
    return periods


def key_in_force(periods: Iterable[KeyPeriod], size: int) -> PublicKey | None:
    """The key that signs a log of so many records."""
    found = [period.key for period in periods if period.place < size]
    return found[-1] if found else None


def _check_handover(record: Mapping[str, Any], before: PublicKey, key: PublicKey, place: int) -> None:
    if key.name != before.name:
        raise SignatureError(f"Record {place} announces a key of {key.name}; the log is called {before.name}.")
    if record.get("replaces") != str(before):
        raise SignatureError(f"Record {place} announces a key that does not replace the one in force.")
    said = {"kind": KIND, "key": record.get("key"), "replaces": record.get("replaces")}
    try:
        signature = base64.b64decode(str(record.get("signature")), validate=True)
    except ValueError as error:
        raise SignatureError(f"The signature in record {place} is not base64.") from error
    before.check(canonical_json(said), signature)


def _parsed(record: Mapping[str, Any], name: str) -> PublicKey:
    try:
        return PublicKey.parse(str(record.get(name)))
    except KeyFileError as error:
        raise SignatureError(f"An announcement holds no key: {error}") from error
