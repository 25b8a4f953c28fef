"""`/v1/assets`: the hierarchy of a site."""

from fastapi import APIRouter

from api.deps import CallerScope, Site
from api.routes.responses import OF_A_SITE
from api.schemas import AssetPublic, Assets
from store import serving

router = APIRouter(prefix="/v1", tags=["assets"], responses=OF_A_SITE)


@router.get("/assets")
def list_assets(scope: CallerScope, site: Site) -> Assets:
    """List the areas, lines and units of a site, with the settings in force now."""
    rows = serving.assets(scope, site["site_id"])
    return Assets(site=site["key"], items=[AssetPublic.model_validate(row) for row in rows])
