"""`/v1/ledger`: the two accounts of ingest, which must add up."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import answers, paging, problems
from api.deps import CallerScope, OptionalSite, Paging, TimeWindow
from api.routes.responses import OF_A_SITE
from api.schemas import LedgerPage, LedgerRow, LedgerTotal, MessageAccount, SpreadPublic, ValueAccount
from model.ledger import LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS, adds_up, spread
from store import serving
from store.serving import LedgerFilter, LedgerKey, Row, Window

router = APIRouter(prefix="/v1", tags=["ledger"], responses=OF_A_SITE)


@router.get("/ledger", responses={200: {"model": LedgerPage}})
def list_ledger(
    request: Request,
    scope: CallerScope,
    site: OptionalSite,
    window: TimeWindow,
    page: Paging,
    device: Annotated[str | None, Query(description="key of a device")] = None,
) -> Response:
    """List received and decoded against what became of them, per hour of receipt and device, with totals."""
    refuse_days(window, "the ledger counts hours of receipt")
    wanted = LedgerFilter(site["site_id"] if site else None, window, device)
    after = paging.decode(request, page.cursor, LedgerKey)
    rows = serving.ledger(scope, wanted, page.limit + 1, after)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        last = rows[-1]
        cursor = paging.encode(request, LedgerKey(last["hour"], last["site_number"], last["device_number"]))
    items = [LedgerRow.model_validate({**row, **accounts(row), **spreads(row)}) for row in rows]
    summed = total(serving.ledger_total(scope, wanted), serving.ledger_histograms(scope, wanted))
    balanced = summed.messages.balanced and summed.values.balanced
    answer = LedgerPage(items=items, total=summed, balanced=balanced, next_cursor=cursor)
    return answers.json_answer(request, answer, cursor)


def total(row: Row, histograms: Row | None = None) -> LedgerTotal:
    """The summed accounts with their balance."""
    return LedgerTotal.model_validate({**row, **accounts(row), **(spreads(histograms) if histograms else {})})


def spreads(row: Row) -> dict[str, SpreadPublic | None]:
    """What the histograms of a row say."""
    return {
        "latency_ms": _spread(row["latency_ms"], LATENCY_BOUNDS_MS),
        "skew_ms": _spread(row["skew_ms"], SKEW_BOUNDS_MS),
    }


def _spread(counts: Sequence[int], bounds: Sequence[int]) -> SpreadPublic | None:
    found = spread(counts, bounds)
    return found and SpreadPublic.model_validate(
        {name: value if math.isfinite(value) else None for name, value in found._asdict().items()}
    )


def accounts(row: Row) -> dict[str, Any]:
    """Both accounts of a row, each with whether it adds up."""
    messages_balance, values_balance = adds_up(row)
    values = {**row, "rejected": row["rejected_value"], "balanced": values_balance}
    return {
        "messages": MessageAccount.model_validate({**row, "balanced": messages_balance}),
        "values": ValueAccount.model_validate(values),
    }


def refuse_days(window: Window, why: str) -> None:
    """Take instants only.

    Raises:
        RequestValidationError: production days were given.
    """
    if window.from_day or window.to_day:
        name = "from" if window.from_day else "to"
        raise problems.invalid(name, f"{why}: give instants, not production days")
