"""Corrections of stops: an engineer's statement in, a row beside the others and dirty marks out, in one transaction.

Nothing is overwritten: a newer statement lies on older ones, one that names another takes its place, a revert takes
one back. What signals said stays in raw data and, beside the correction, in the computed interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from model.vocabulary import TimeClass
from store.access import record_audit
from store.correction import (
    Correction,
    CorrectionError,
    Parts,
    StaleCorrectionError,
    UnknownCorrectionError,
    check,
    check_note,
    shown,
)
from store.pool import Connection
from store.queries import load

MOST_OVERLAPPING = 100  # corrections in force that lie on one another
_SQL = load("annotations")
Row = dict[str, Any]


@dataclass(frozen=True)
class Author:
    """At which site who corrects."""

    connection: Connection
    site_id: int
    account_id: int | None


def annotate(author: Author, given: Correction) -> int:
    """Take a correction and ask for its days to be computed again; gives the number of the annotation.

    Raises:
        CorrectionError: it is not usable, names what is not there, or comes too late.
    """
    with author.connection.transaction():
        asset_id = _asset_id(author, given)
        replaced = _to_replace(author, given.supersedes, asset_id, given)
        number = _add(author, asset_id, given)
        _mark(author, asset_id, [given, *replaced])
        _audit(author, "stop.annotate", [number], given, {"reason": given.reason, "product": given.product})
    return number


def split(author: Author, given: Correction, at: datetime, parts: Parts) -> list[int]:
    """Cut a stretch in two at an instant and say what each part was; gives the numbers of the annotations.

    A part for which nothing is said keeps what the replaced annotation said, else what lies below.

    Raises:
        CorrectionError: the instant is not inside, nothing is said, or as for `annotate`.
    """
    check(given, bare=True)
    if not given.from_ts < at < given.to_ts:
        spell = f"{_beside(given.from_ts, at)} – {_beside(given.to_ts, at)}"
        raise CorrectionError(f"{shown(at)} is not inside {spell}.")
    if not any(vars(parts).values()):
        raise CorrectionError("Say what at least one of the two parts was: a reason or a product.")
    with author.connection.transaction():
        asset_id = _asset_id(author, replace(given, reason=parts.first_reason, product=parts.first_product), bare=True)
        replaced = _to_replace(author, given.supersedes, asset_id, given)
        before = replaced[0] if replaced else {"reason": "", "product": ""}
        halves = [
            replace(given, to_ts=at, reason=parts.first_reason, product=parts.first_product),
            replace(given, from_ts=at, reason=parts.second_reason, product=parts.second_product),
        ]
        halves = [half if half.reason or half.product else _as(half, before) for half in halves]
        numbers = [_add(author, asset_id, half) for half in halves if half.reason or half.product]
        _mark(author, asset_id, [given, *replaced])
        _audit(author, "stop.split", numbers, given, {"at": at.isoformat(), **vars(parts)})
    return numbers


def revert(author: Author, annotation_id: int, note: str) -> int:
    """Take an annotation back; what lies below it, or what signals said, holds again. Gives the number of the revert.

    Raises:
        UnknownCorrectionError: the site has no such annotation.
        StaleCorrectionError: it is not in force any more.
    """
    with author.connection.transaction():
        row = _one(author, annotation_id)
        given = Correction(row["asset"], row["from_ts"], row["to_ts"], note=note, supersedes=annotation_id)
        check_note(note)
        _lock(author, row["asset_id"])
        _to_replace(author, annotation_id, row["asset_id"], given)
        number = _insert(author, row["asset_id"], given, (row["reason_id"], row["product_id"]), revoked=True)
        _mark(author, row["asset_id"], [given])
        _audit(author, "stop.revert", [annotation_id], given, {})
    return number


def stretch_at(author: Author, asset: str, at: datetime, *, of_stop: bool = False) -> tuple[datetime, datetime]:
    """The computed interval of an asset that holds an instant; `of_stop`: what is said of it makes a stop of it.

    Raises:
        UnknownCorrectionError: nothing was computed for it.
        CorrectionError: the machine produced then, and a stop is meant.
    """
    row = author.connection.execute(
        _SQL["interval_at"], {"site_id": author.site_id, "asset": asset, "at": at}
    ).fetchone()
    if row is None:
        raise UnknownCorrectionError(f"Nothing is known of {asset!r} at {shown(at)}: no interval holds that instant.")
    if of_stop and row[2] == TimeClass.PRODUCTION:
        spell = f"{_beside(row[0], at)} – {_beside(row[1], at)}"
        raise CorrectionError(
            f"At {shown(at)} {asset!r} produced ({spell}): if it stood nevertheless, say from when to when."
        )
    return row[0], row[1]


@dataclass(frozen=True)
class Wanted:
    """Which statements are listed: of these assets, overlapping the range (null = open), before a number."""

    assets: Sequence[int]
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    before_id: int | None = None


def history(connection: Connection, site_id: int, wanted: Wanted, limit: int) -> list[Row]:
    """Every statement, newest first, each with who, when, why and what became of it."""
    parameters = {**vars(wanted), "assets": list(wanted.assets), "site_id": site_id, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["history"], parameters).fetchall()


def _asset_id(author: Author, given: Correction, *, bare: bool = False) -> int:
    """Check a correction and lock its asset."""
    check(given, bare=bare)
    row = _names(author, given)
    if row[0] is None:
        raise CorrectionError(f"The site has no asset {given.asset!r}; corrections are of a machine, not of the site.")
    _lock(author, int(row[0]))
    bounds = {"asset_id": row[0], "from_ts": given.from_ts, "to_ts": given.to_ts}
    crowd = author.connection.execute(_SQL["crowd"], bounds).fetchone()
    if crowd and crowd[0] >= MOST_OVERLAPPING:
        raise CorrectionError(
            f"{crowd[0]} corrections lie on one another between {shown(given.from_ts)} and {shown(given.to_ts)}: "
            "revert some, or replace one by naming it."
        )
    return int(row[0])


def _names(author: Author, given: Correction) -> tuple[Any, ...]:
    wanted = {"site_id": author.site_id, "asset": given.asset, "reason": given.reason, "product": given.product}
    row = author.connection.execute(_SQL["names"], wanted).fetchone()
    assert row is not None  # noqa: S101 - a statement without FROM gives one row
    return row


def _add(author: Author, asset_id: int, given: Correction) -> int:
    _, reason_id, product_id = _names(author, given)
    if given.reason and reason_id is None:
        known = author.connection.execute(_SQL["known_reasons"], {"site_id": author.site_id}).fetchall()
        names = ", ".join(row[0] for row in known) or "none yet; add them under reasons of the site file"
        raise CorrectionError(f"The site has no reason {given.reason!r}; it has: {names}.")
    if given.product and product_id is None:
        raise CorrectionError(f"The site has no product {given.product!r}.")
    return _insert(author, asset_id, given, (reason_id, product_id))


def _insert(
    author: Author, asset_id: int, given: Correction, said: tuple[int | None, int | None], *, revoked: bool = False
) -> int:
    parameters = {
        "site_id": author.site_id,
        "asset_id": asset_id,
        "from_ts": given.from_ts,
        "to_ts": given.to_ts,
        "reason_id": said[0],
        "product_id": said[1],
        "note": given.note.strip(),
        "account_id": author.account_id,
        "supersedes": given.supersedes,
        "revoked": revoked,
    }
    row = author.connection.execute(_SQL["insert"], parameters).fetchone()
    assert row is not None  # noqa: S101 - RETURNING of one row
    return int(row[0])


def _one(author: Author, annotation_id: int) -> Row:
    with author.connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_SQL["one"], {"site_id": author.site_id, "id": annotation_id}).fetchone()
    if row is None:
        raise UnknownCorrectionError(f"The site has no annotation {annotation_id}.")
    return row


def _to_replace(author: Author, annotation_id: int | None, asset_id: int, given: Correction) -> list[Row]:
    """The annotation that is to be replaced, if one is named; it must be in force. Call with the asset locked."""
    if annotation_id is None:
        return []
    row = _one(author, annotation_id)
    if row["asset_id"] != asset_id:
        raise CorrectionError(f"Annotation {annotation_id} is of {row['asset']!r}, not of this asset.")
    if row["revoked"]:
        raise StaleCorrectionError(f"Annotation {annotation_id} only takes another one back: make a new one.")
    if row["superseded_by"] is not None:
        raise StaleCorrectionError(
            f"Annotation {annotation_id} is not in force any more: {row['superseded_by']} took its place. "
            "Look at it again before you correct it."
        )
    if row["to_ts"] <= given.from_ts or row["from_ts"] >= given.to_ts:
        spell = f"{_beside(row['from_ts'], given.from_ts)} – {_beside(row['to_ts'], given.from_ts)}"
        raise CorrectionError(
            f"Annotation {annotation_id} is about another time, {spell}: it cannot be replaced by this."
        )
    return [row]


def _beside(moment: datetime, other: datetime) -> str:
    """An instant in a sentence, on the clock of another one."""
    return shown(moment.astimezone(other.tzinfo))


def _as(half: Correction, before: Row) -> Correction:
    return replace(half, reason=before["reason"] or "", product=before["product"] or "")


def _lock(author: Author, asset_id: int) -> None:
    author.connection.execute(_SQL["lock_asset"], {"asset_id": asset_id})


def _mark(author: Author, asset_id: int, touched: Sequence[Correction | Row]) -> None:
    """Everything that was or is corrected."""
    rows = [each if isinstance(each, dict) else vars(each) for each in touched]
    for from_ts, to_ts in {(row["from_ts"], row["to_ts"]) for row in rows}:
        bounds = {"from_ts": from_ts, "to_ts": to_ts}
        author.connection.execute(_SQL["mark"], {"site_id": author.site_id, "asset_id": asset_id, **bounds})


def _audit(author: Author, action: str, numbers: list[int], given: Correction, detail: Row) -> None:
    said = {
        "asset": given.asset,
        "from": given.from_ts.isoformat(),
        "to": given.to_ts.isoformat(),
        "note": given.note,
        "supersedes": given.supersedes,
    }
    shown = {name: value for name, value in {**said, **detail}.items() if value not in ("", None)}
    record_audit(author.connection, author.account_id, action, ",".join(map(str, numbers)), shown)
