"""`/metrics`: figures for Prometheus. No key: they hold no site's content; keep the port inside the plant network."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.observe import Metrics
from api.routes.health import examine
from api.schemas import Health

router = APIRouter(tags=["operations"])

AGES = ("last_message_age_s", "last_kpi_run_age_s", "oldest_dirty_mark_age_s")


@router.get("/metrics", response_class=Response)
def read_metrics(request: Request, health: Annotated[Health, Depends(examine)]) -> Response:
    """Write request counts and times, health, and ages in the Prometheus text format."""
    metrics: Metrics = request.app.state.metrics
    metrics.healthy.set(0 if health.failing else 1)
    for name in AGES:
        age = getattr(health, name)
        metrics.age.labels(name.removesuffix("_age_s")).set(float("nan") if age is None else age)
    return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
