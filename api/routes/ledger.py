"""`/v1/ledger`: the two accounts of ingest, which must add up."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import answers, paging, problems
from api.deps import CallerScope, OptionalSite, Paging, TimeWindow
from api.routes.responses import OF_A_SITE
from api.schemas import LedgerPage, LedgerRow, LedgerTotal, MessageAccount, ValueAccount
from store import serving
from store.serving import LedgerKey, Row, Window

router = APIRouter(prefix="/v1", tags=["ledger"], responses=OF_A_SITE)


@router.get("/ledger", responses={200: {"model": LedgerPage}})
def list_ledger(request: Request, scope: CallerScope, site: OptionalSite, window: TimeWindow, page: Paging) -> Response:
    """List received and decoded against what became of them, per hour of receipt and device, with totals."""
    _refuse_days(window)
    site_id = site["site_id"] if site else None
    after = paging.decode(request, page.cursor, LedgerKey)
    rows = serving.ledger(scope, site_id, window, page.limit + 1, after)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        last = rows[-1]
        cursor = paging.encode(request, LedgerKey(last["hour"], last["site_number"], last["device_number"]))
    items = [LedgerRow.model_validate({**row, **accounts(row)}) for row in rows]
    summed = total(serving.ledger_total(scope, site_id, window))
    balanced = summed.messages.balanced and summed.values.balanced
    answer = LedgerPage(items=items, total=summed, balanced=balanced, next_cursor=cursor)
    return answers.json_answer(request, answer, cursor)


def total(row: Row) -> LedgerTotal:
    """The summed accounts with their balance."""
    return LedgerTotal.model_validate({**row, **accounts(row)})


def accounts(row: Row) -> dict[str, Any]:
    """Both accounts of a row, each with whether it adds up."""
    messages_add_up = row["received"] == row["processed"] + row["rejected"] + row["redelivered"]
    kept = row["stored"] + row["duplicate"] + row["conflict"] + row["rejected_value"]
    values = {**row, "rejected": row["rejected_value"], "balanced": row["decoded"] == kept}
    return {
        "messages": MessageAccount.model_validate({**row, "balanced": messages_add_up}),
        "values": ValueAccount.model_validate(values),
    }


def _refuse_days(window: Window) -> None:
    if window.from_day or window.to_day:
        name = "from" if window.from_day else "to"
        raise problems.invalid(name, "the ledger counts hours of receipt: give instants, not production days")
