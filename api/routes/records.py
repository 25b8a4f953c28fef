"""`/v1/records` and `/v1/findings`: what other systems say of orders and maintenance, and what computations noticed."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from api import answers, bodies, paging, problems
from api.deps import Caller, CallerScope, Paging, Site, TimeWindow
from api.routes.ledger import refuse_days
from api.routes.rejected import PAYLOAD_ROLES
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.routes.session import refuse_other_origins
from api.schemas import FindingPublic, Findings, RecordPublic, Records, RecordsImported, RecordTable
from kpi.carbon.substances import reader_of
from kpi.explained.sentences import listed
from store import access, business, marks, registry
from store.business import BusinessRecord, Rejected
from store.errors import InvalidConfigurationError

MOST_BYTES = 8 * 2**20
MOST_ROWS = 10_000  # of one request; more: several requests, or `haidang records import`
SHOWN_REFUSALS = 100

_NAMED = {"enum": list(business.KINDS)}
router = APIRouter(prefix="/v1", responses=OF_A_SITE)


def require_keeper(caller: Caller) -> None:
    """Let those pass who keep records: tables of other systems may hold what is not for everybody.

    Raises:
        ProblemError: 403.
    """
    if caller.role not in PAYLOAD_ROLES:
        raise problems.forbidden("Records are read and imported by the roles engineer and admin.")


def get_kind(kind: Annotated[str, Query(description="what the rows are", json_schema_extra=_NAMED)]) -> str:
    """The kind that the query names."""
    if kind not in business.KINDS:
        raise problems.invalid("kind", f"must be one of {', '.join(business.KINDS)}")
    return kind


def get_optional_kind(
    kind: Annotated[str | None, Query(description="only this kind", json_schema_extra=_NAMED)] = None,
) -> str | None:
    """The kind that the query names, if any."""
    return None if kind is None else get_kind(kind)


KnownKind = Annotated[str, Depends(get_kind)]
OfKind = Annotated[str | None, Depends(get_optional_kind)]


@dataclass(frozen=True)
class RecordKey:
    """The place of a record in the order of reading."""

    kind: str | None = None
    key: str | None = None


async def read_table(request: Request, _caller: Caller) -> tuple[str, bytes]:
    """The media type and the bytes of an import."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind, await bodies.read_bytes(request, MOST_BYTES)


@router.get(
    "/records",
    tags=["records"],
    dependencies=[Depends(require_keeper)],
    responses={200: {"model": Records}, **documented(403)},
)
def list_records(
    request: Request, scope: CallerScope, site: Site, window: TimeWindow, page: Paging, kind: OfKind
) -> Response:
    """List the records that stand, by kind and key; a range holds those that overlap it. Engineers only."""
    refuse_days(window, "records are selected by their times")
    after = paging.decode(request, page.cursor, RecordKey)
    wanted = business.Wanted(kind, window.from_ts, window.to_ts, after.kind, after.key)
    rows = business.page(scope.connection, site["site_id"], wanted, page.limit + 1)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, RecordKey(rows[-1]["kind"], rows[-1]["key"]))
    items = [RecordPublic.model_validate(row) for row in rows]
    return answers.json_answer(request, Records(site=site["key"], items=items, next_cursor=cursor), cursor)


@router.post(
    "/records",
    tags=["records"],
    dependencies=[Depends(refuse_other_origins), Depends(require_keeper)],
    responses=documented(403),
    openapi_extra=bodies.documented(RecordTable, text_csv={"type": "string"}),
)
def import_records(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    kind: KnownKind,
    source: Annotated[
        str, Query(min_length=1, max_length=200, description="system that says so, never a person: packages show it")
    ],
    table: Annotated[tuple[str, bytes], Depends(read_table)],
) -> RecordsImported:
    """Keep the rows of a table (CSV, or JSON with the same names); importing twice changes nothing.

    A row under a known key replaces what was said, the earlier statement is kept. Rows that cannot be taken are refused
    by line, the others are kept; the days in which they count are computed again.
    """
    snapshot = registry.snapshot(scope.connection, site["key"], datetime.now(UTC))
    assets = frozenset(asset.key for asset in snapshot.assets)
    rules = business.Rules(snapshot.timezone, assets, reader_of(kind, snapshot))
    try:
        records, refused = _read(*table, rules)
        _bounded([*records, *refused])
        found = business.keep(scope.connection, site["site_id"], kind, records, source)
    except InvalidConfigurationError as error:
        raise problems.ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-table", str(error)) from error
    counts = {"new": found.new, "changed": found.changed, "equal": found.equal, "refused": len(refused)}
    detail = {"site": site["key"], "kind": kind, **counts}
    access.record_audit(scope.connection, caller.account_id, "records.import", source, detail)
    return RecordsImported.model_validate({**counts, "refusals": [vars(each) for each in refused[:SHOWN_REFUSALS]]})


@router.get("/findings", tags=["kpis"], responses={200: {"model": Findings}})
def list_findings(request: Request, scope: CallerScope, site: Site, window: TimeWindow) -> Response:
    """List what the newest computation of each production day noticed and somebody should look at."""
    if window.from_ts or window.to_ts:
        raise problems.invalid("from" if window.from_ts else "to", "findings are of production days: give days")
    last = None if window.to_day is None else window.to_day.fromordinal(window.to_day.toordinal() - 1)
    runs = marks.findings(scope.connection, site["site_id"], window.from_day, last)
    items = [FindingPublic.model_validate(row) for row in listed(runs, site["timezone"])]
    return answers.json_answer(request, Findings(site=site["key"], items=items))


def _read(kind: str, body: bytes, rules: business.Rules) -> tuple[list[BusinessRecord], list[Rejected]]:
    if kind == bodies.JSON_TYPE:
        return business.read_objects(_objects(body), rules)
    if kind != answers.CSV_TYPE:
        raise problems.ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Send text/csv or application/json."
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidConfigurationError(f"The table is not UTF-8: {error}.") from error
    return business.read_lines(io.StringIO(text, newline=""), "The table", rules)


def _objects(body: bytes) -> Sequence[dict[str, Any]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidConfigurationError(f"The body is no JSON: {error}.") from error
    rows = given.get("items") if isinstance(given, dict) else given
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidConfigurationError('The body is a list of objects, or {"items": [...]}.')
    return rows


def _bounded(rows: Sequence[BusinessRecord | Rejected]) -> None:
    if len(rows) > MOST_ROWS:
        raise problems.ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too-large",
            f"At most {MOST_ROWS:,} rows in a request: split the table.",
        )
