"""`/v1/sites`: the caller's sites."""

from fastapi import APIRouter

from api.deps import CallerScope
from api.routes.responses import COMMON
from api.schemas import SitePublic, Sites
from store import serving

router = APIRouter(prefix="/v1", tags=["sites"], responses=COMMON)


@router.get("/sites")
def list_sites(scope: CallerScope) -> Sites:
    """List the sites that this key may see."""
    return Sites(items=[SitePublic.model_validate(row) for row in serving.sites(scope)])
