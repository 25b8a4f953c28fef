"""`/v1/kpis`: the catalogue and the values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api import answers, paging, problems
from api.deps import Caller, Paging, Reached, TimeWindow
from api.routes.responses import COMMON, OF_A_SITE
from api.schemas import KpiPublic, Kpis, ValuePublic, Values
from api.windows import instant
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.docs import described
from model.vocabulary import Grain
from store.serving import ValueFilter, ValueKey, Window
from store.serving_values import StoredValue, stored_values

router = APIRouter(prefix="/v1", tags=["kpis"])

COLUMNS = list(ValuePublic.model_fields)
ALL_VARIANTS = "all"


async def get_kpi(kpi: Annotated[str, Path(description="id of the catalogue", examples=["oee"])]) -> Kpi:
    """The catalogue entry that the path names."""
    if kpi not in CATALOGUE:
        raise problems.not_found("kpi", f"There is no KPI {kpi!r}; /v1/kpis lists all.")
    return CATALOGUE[kpi]


@dataclass(frozen=True)
class Slice:
    """Which values of a KPI are wanted."""

    grain: Grain
    variant: str
    shift: str | None
    product: str | None
    job: str | None
    as_of: str | None
    format: Literal["json", "csv"] | None


async def get_slice(
    *,
    grain: Annotated[Grain, Query(description="length of the windows")] = Grain.DAY,
    variant: Annotated[str, Query(description="'' = as defined, `capped`, or `all`")] = "",
    shift: Annotated[str | None, Query(description="key of a shift")] = None,
    product: Annotated[str | None, Query(description="key of a product")] = None,
    job: Annotated[str | None, Query(description="key of a job")] = None,
    as_of: Annotated[str | None, Query(description="instant: the values as they stood then")] = None,
    format_: Annotated[Literal["json", "csv"] | None, Query(alias="format", description="or the Accept header")] = None,
) -> Slice:
    """The part of a KPI's values that the query names."""
    return Slice(grain, variant, shift, product, job, as_of, format_)


class ValuePage(msgspec.Struct, frozen=True):
    """`Values` as it is written."""

    site: str
    kpi: str
    unit: str
    items: list[StoredValue]
    next_cursor: str | None


@router.get("/kpis", responses=COMMON)
def list_kpis(_caller: Caller) -> Kpis:
    """List the KPI catalogue: names, formulas, units, sources."""
    return Kpis(items=[_public(entry) for entry in CATALOGUE.values()])


@router.get("/kpis/{kpi}/values", responses={200: {"model": Values}, **OF_A_SITE})
def list_values(
    request: Request,
    reach: Reached,
    kpi: Annotated[Kpi, Depends(get_kpi)],
    window: TimeWindow,
    chosen: Annotated[Slice, Depends(get_slice)],
    page: Paging,
) -> Response:
    """Read a KPI: each value with its parts, coverage, completeness, status, revision and causes.

    Ordered by asset, variant, production day, window, shift, product and job; pages go on by cursor.
    """
    after = paging.decode(request, page.cursor, ValueKey)
    wanted = _filter(kpi, sorted(reach.assets), window, chosen)
    rows = stored_values(reach.scope, wanted, reach.assets, page.limit + 1, after)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, _key(rows[-1], reach.assets))
    if answers.wants_csv(request, chosen.format):
        items = [ValuePublic.model_validate(row, from_attributes=True) for row in rows]
        return answers.csv_answer(request, items, COLUMNS, cursor)
    return answers.json_answer(request, ValuePage(reach.site["key"], kpi.id, kpi.unit, rows, cursor), cursor)


def _filter(kpi: Kpi, assets: list[int], window: Window, chosen: Slice) -> ValueFilter:
    return ValueFilter(
        assets=assets,
        kpi=kpi.id,
        grain=chosen.grain,
        window=window,
        variant=None if chosen.variant == ALL_VARIANTS or _of_characteristics(kpi, chosen) else chosen.variant,
        shift=chosen.shift,
        product=chosen.product,
        job=chosen.job,
        as_of=instant("as_of", chosen.as_of),
    )


def _of_characteristics(kpi: Kpi, chosen: Slice) -> bool:
    """A capability has one variant for each characteristic: without one all are meant."""
    return kpi.basis is Basis.SAMPLE and not chosen.variant


def _key(row: StoredValue, keys: Mapping[int, str]) -> ValueKey:
    return ValueKey(
        asset=next(number for number, key in keys.items() if key == row.asset),
        variant=row.variant,
        day=row.production_day,
        ts=row.window_start,
        shift=row.shift,
        product=row.product,
        job=row.job,
    )


def _public(entry: Kpi) -> KpiPublic:
    return KpiPublic.model_validate(described(entry))
