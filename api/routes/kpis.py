"""`/v1/kpis`: the catalogue and the values."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api import answers, paging, problems
from api.deps import AssetIds, Caller, CallerScope, Paging, Site, TimeWindow
from api.routes.responses import COMMON, OF_A_SITE
from api.schemas import KpiPublic, Kpis, ValuePublic, Values
from api.windows import instant
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.docs import described
from model.vocabulary import Grain
from store import serving
from store.serving import Row, ValueFilter, ValueKey

router = APIRouter(prefix="/v1", tags=["kpis"])

COLUMNS = list(ValuePublic.model_fields)
ALL_VARIANTS = "all"


def get_kpi(kpi: Annotated[str, Path(description="id of the catalogue", examples=["oee"])]) -> Kpi:
    """The catalogue entry that the path names."""
    if kpi not in CATALOGUE:
        raise problems.not_found("kpi", f"There is no KPI {kpi!r}; /v1/kpis lists all.")
    return CATALOGUE[kpi]


@dataclass(frozen=True)
class Slice:
    """Which values of a KPI are wanted."""

    grain: Annotated[Grain, Query(description="length of the windows")] = Grain.DAY
    variant: Annotated[str, Query(description="'' = as defined, `capped`, or `all`")] = ""
    shift: Annotated[str | None, Query(description="key of a shift")] = None
    product: Annotated[str | None, Query(description="key of a product")] = None
    job: Annotated[str | None, Query(description="key of a job")] = None
    as_of: Annotated[str | None, Query(description="instant: the values as they stood then")] = None
    format: Annotated[Literal["json", "csv"] | None, Query(description="or the Accept header")] = None


@router.get("/kpis", responses=COMMON)
def list_kpis(_caller: Caller) -> Kpis:
    """List the KPI catalogue: names, formulas, units, sources."""
    return Kpis(items=[_public(entry) for entry in CATALOGUE.values()])


@router.get("/kpis/{kpi}/values", responses={200: {"model": Values}, **OF_A_SITE})
def list_values(
    request: Request,
    scope: CallerScope,
    site: Site,
    assets: AssetIds,
    kpi: Annotated[Kpi, Depends(get_kpi)],
    window: TimeWindow,
    chosen: Annotated[Slice, Depends()],
    page: Paging,
) -> Response:
    """Read a KPI: each value with its parts, coverage, completeness, status, revision and causes.

    Ordered by asset, variant, production day, window, shift, product and job; pages go on by cursor.
    """
    after = paging.decode(request, page.cursor, ValueKey)
    rows = serving.kpi_values(scope, _filter(kpi, assets, window, chosen), page.limit + 1, after)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, _key(rows[-1]))
    items = [ValuePublic.model_validate(row) for row in rows]
    if answers.wants_csv(request, chosen.format):
        return answers.csv_answer(request, items, COLUMNS, cursor)
    values = Values(site=site["key"], kpi=kpi.id, unit=kpi.unit, items=items, next_cursor=cursor)
    return answers.json_answer(request, values, cursor)


def _filter(kpi: Kpi, assets: list[int], window: serving.Window, chosen: Slice) -> ValueFilter:
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


def _key(row: Row) -> ValueKey:
    return ValueKey(
        asset=row["asset_id"],
        variant=row["variant"],
        day=row["production_day"],
        ts=row["window_start"],
        shift=row["shift"],
        product=row["product"],
        job=row["job"],
    )


def _public(entry: Kpi) -> KpiPublic:
    return KpiPublic.model_validate(described(entry))
