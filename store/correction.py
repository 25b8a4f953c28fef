"""What a correction is, and what it must be to be taken. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from store.errors import StoreError

LONGEST = timedelta(days=31)  # of one correction
NOTE_CHARACTERS = 1_000


class CorrectionError(StoreError):
    """A correction that cannot be taken; the message says what to mend."""


class UnknownCorrectionError(CorrectionError):
    """There is no such annotation or stop at this site."""


class StaleCorrectionError(CorrectionError):
    """Somebody else was quicker: what was to be replaced is not in force any more."""


@dataclass(frozen=True)
class Correction:
    """What an asset did from when to when, and why somebody says so. `supersedes`: the annotation it replaces."""

    asset: str
    from_ts: datetime
    to_ts: datetime
    reason: str = ""
    product: str = ""
    note: str = ""
    supersedes: int | None = None


@dataclass(frozen=True)
class Parts:
    """What the two parts of a split stretch are; an empty reason and product leave a part as it is."""

    first_reason: str = ""
    second_reason: str = ""
    first_product: str = ""
    second_product: str = ""


def check(given: Correction, *, bare: bool = False) -> None:
    """Refuse what cannot be; `bare` = what it was is said elsewhere.

    Raises:
        CorrectionError: a sentence that says what to mend.
    """
    check_note(given.note)
    if not bare and not (given.reason or given.product):
        raise CorrectionError("Say what it was: a reason or a product.")
    if given.from_ts.tzinfo is None or given.to_ts.tzinfo is None:
        raise CorrectionError("Times need an offset, e.g. 2026-11-22T08:00:00+07:00.")
    if given.to_ts <= given.from_ts:
        raise CorrectionError("The end must be after the beginning.")
    if given.to_ts - given.from_ts > LONGEST:
        raise CorrectionError(f"A correction is of at most {LONGEST.days} days: make several.")
    if given.to_ts > datetime.now(UTC):
        raise CorrectionError("The end lies in the future: only what has happened can be corrected.")


def check_note(note: str) -> None:
    """Refuse a correction that does not say why, or says too much."""
    if not note.strip():
        raise CorrectionError("Say why: a note belongs to every correction.")
    if len(note) > NOTE_CHARACTERS:
        raise CorrectionError(f"The note has {len(note):,} characters; at most {NOTE_CHARACTERS:,} are kept.")
    if "\0" in note:
        raise CorrectionError("The note has a zero byte.")


def shown(moment: datetime) -> str:
    """An instant in a sentence."""
    return moment.isoformat(timespec="seconds")
