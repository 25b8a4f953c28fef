"""`/v1/frameworks` and `/v1/maturity/metrics`: the catalogues that a site can be assessed against."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api import problems
from api.deps import Caller
from api.maturity_schemas import FrameworkPublic, Frameworks, MetricPublic, MetricsPublic
from api.routes.responses import COMMON
from api.routes.responses import problems as documented
from maturity.framework import Framework
from maturity.loading import framework, shipped
from maturity.metrics import METRICS

router = APIRouter(prefix="/v1", tags=["maturity"], responses=COMMON)


def find_framework(key: str) -> Framework:
    """A catalogue of the product; files are for the command line.

    Raises:
        ProblemError: 404.
    """
    if key not in shipped():
        raise problems.not_found("framework", f"There is no framework {key!r}; /v1/frameworks lists them.")
    return framework(key)


@router.get("/frameworks")
def list_frameworks(_caller: Caller) -> Frameworks:
    """List the catalogues that come with the product."""
    found = [framework(key) for key in shipped()]
    return Frameworks(items=[_public(each) for each in found])


@router.get("/frameworks/{framework_key}", responses=documented(404))
def show_framework(_caller: Caller, framework_key: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
    """Show a catalogue whole: levels, areas, technology groups and every criterion with its threshold and basis."""
    return find_framework(framework_key).plain()


@router.get("/maturity/metrics")
def list_metrics(_caller: Caller) -> MetricsPublic:
    """List what a criterion may measure."""
    found = [METRICS[name] for name in sorted(METRICS)]
    return MetricsPublic(
        items=[
            MetricPublic(
                name=each.name,
                unit=each.unit,
                explanation=each.explanation,
                parameters=list(each.parameters),
                requires=list(each.requires),
            )
            for each in found
        ]
    )


def _public(each: Framework) -> FrameworkPublic:
    return FrameworkPublic(
        key=each.key,
        version=each.version,
        name=each.name.model_dump(),
        publisher=each.publisher,
        status=each.status,
        levels=len(each.levels),
        criteria=len(each.criteria),
        disclaimer=each.disclaimer.model_dump(),
    )
