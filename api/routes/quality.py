"""`/v1/sites/{site}/quality`: how good the readings of each series were, the worst first."""

import math
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api import problems
from api.deps import CallerScope, find_site
from api.routes.responses import OF_A_SITE
from kpi.explained.series_verdict import Verdict, judged, late_share, skew
from store.derived import Days
from store.series_quality import DeviceQuality, quality_of

router = APIRouter(prefix="/v1", tags=["quality"], responses=OF_A_SITE)
MOST_DAYS = 366


class SeriesQualityPublic(BaseModel):
    """One series over the days; numbers are sums over them."""

    model_config = ConfigDict(from_attributes=True)

    asset: str
    name: str
    quantity: str
    unit: str
    kind: str
    days: int = Field(description="production days that were computed")
    from_ts: datetime
    to_ts: datetime
    completeness: float = Field(description="received over expected, else the share of time with a value; 0 to 1")
    rows: int
    received: int = Field(description="readings with a usable value")
    expected: int = Field(description="0 = the series is not periodic")
    gaps: int = Field(description="that begin in the days")
    gap_us: int
    longest_gap_us: int
    flat_spans: int = Field(description="stretches in which the value stood still while the machine produced")
    flat_us: int
    longest_flat_us: int
    out_of_range: int
    resets: int
    conflicts: int
    last_ts: datetime | None = Field(description="newest usable value")
    why: str = Field(description="what is wrong, in one line")


class DeviceQualityPublic(BaseModel):
    """What ingest counted of one device, of all its series together."""

    model_config = ConfigDict(from_attributes=True)

    device: str
    asset: str | None
    decoded: int
    stored: int
    duplicate: int
    conflict: int
    rejected_value: int
    rejected_messages: int
    missing_seq: int
    late_share: float | None = Field(description="messages received more than a minute after their device time")
    skew_p50_ms: float | None
    skew_p95_ms: float | None = Field(description="at most; negative = the device's clock is ahead")


class QualityPublic(BaseModel):
    """The series of a site and the devices that send them."""

    site: str
    from_day: date
    to_day: date
    series: list[SeriesQualityPublic]
    devices: list[DeviceQualityPublic]


@router.get("/sites/{site}/quality")
def show_quality(
    scope: CallerScope,
    site: Annotated[str, Path(description="key of the site")],
    first: Annotated[date, Query(alias="from", description="first production day")],
    last: Annotated[date, Query(alias="to", description="last production day")],
    asset: Annotated[list[str] | None, Query(description="key of an asset, may be repeated; none = all")] = None,
) -> QualityPublic:
    """Show what came of what was due, gaps, flat lines and impossible values of each series, the worst first."""
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise problems.invalid("to", f"not before `from`, and at most {MOST_DAYS} days")
    found = quality_of(scope.connection, find_site(scope, site)["site_id"], Days(first, last), asset)
    return QualityPublic(
        site=site,
        from_day=first,
        to_day=last,
        series=[_series(each) for each in judged(found.series)],
        devices=[_device(each) for each in found.devices],
    )


def _series(each: Verdict) -> SeriesQualityPublic:
    told = {"completeness": each.completeness, "why": each.sentence}
    return SeriesQualityPublic.model_validate({**vars(each.series), **told})


def _device(each: DeviceQuality) -> DeviceQualityPublic:
    found = {f"skew_p{round(share * 100)}_ms": skew(each, share) for share in (0.5, 0.95)}
    skews = {name: None if value is None or math.isinf(value) else value for name, value in found.items()}
    return DeviceQualityPublic.model_validate({**vars(each), **skews, "late_share": late_share(each)})
