"""`/v1/energy/cusum`: actual minus expected energy, day by day and summed up, against the frozen baseline."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api import answers, problems
from api.deps import CallerScope, Site, TimeWindow
from api.routes.responses import OF_A_SITE
from api.schemas import Model
from kpi.energy.cusum import points
from store import serving

router = APIRouter(prefix="/v1", tags=["kpis"], responses=OF_A_SITE)


class CusumPoint(Model):
    """A production day with a baseline; kWh."""

    production_day: date
    expected: float
    actual: float
    difference: Annotated[float, Field(description="actual minus expected")]
    cusum: Annotated[float, Field(description="sum of the differences up to the day: where it falls, energy is saved")]
    status: str
    flags: list[str]


class Cusum(Model):
    """The days of the range, the oldest first."""

    site: str
    asset: str
    unit: str = "kWh"
    items: list[CusumPoint]


@router.get("/energy/cusum", responses={200: {"model": Cusum}})
def cusum(
    request: Request,
    scope: CallerScope,
    site: Site,
    window: TimeWindow,
    asset: Annotated[str, Query(max_length=500, description="key of an asset; '' is the site itself")] = "",
) -> Response:
    """Read the running sum of actual minus expected energy of an asset with a baseline."""
    known = {row["key"]: row["asset_id"] for row in serving.assets(scope, site["site_id"])}
    if asset not in known:
        raise problems.not_found("asset", f"Site {site['key']!r} has no asset {asset!r}; see /v1/assets.")
    items = [CusumPoint.model_validate(row) for row in points(scope, known[asset], window)]
    return answers.json_answer(request, Cusum(site=site["key"], asset=asset, items=items))
