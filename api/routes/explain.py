"""`/v1/kpis/{kpi}/explain`: what stands behind one stored value, as an object."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api import answers, problems
from api.deps import Caller, CallerScope, Site
from api.roles import note_losses
from api.routes.kpis import get_kpi
from api.routes.responses import OF_A_SITE
from api.schemas import Model, ValuePublic
from api.windows import instant, window_at
from kpi.catalogue import Kpi
from kpi.explained.explanation import Explainer
from model.vocabulary import Grain
from store import serving
from store.serving import Row, Scope, ValueFilter, ValueKey

router = APIRouter(prefix="/v1", tags=["kpis"], responses=OF_A_SITE)


class RevisionPublic(Model):
    """A statement of the value, the oldest first."""

    revision: int
    value: float | None
    numerator: float | None
    denominator: float | None
    status: str
    is_final: bool
    cause: list[str]
    computed_at: datetime
    superseded_at: datetime | None
    config_digest: str
    inputs_digest: str


class LossPublic(Model):
    """A leaf of the loss tree."""

    key: str
    minutes: float
    big_loss: Annotated[str, Field(description="which of the six big losses, '' = none")]


class PiecePublic(Model):
    """Time or an amount of an asset in one class of time; these add up to what the formula reads."""

    asset: str
    quantity: str
    qualifier: str
    time_class: str
    sub_class: str
    reason: str
    origin: str
    seconds: float | None
    amount: float | None
    pieces: Annotated[int, Field(description="of the finest kind: hour, shift, job, product, tariff period")]


class StretchPublic(Model):
    """A stretch of time of an asset inside the window."""

    asset: str
    from_ts: datetime
    to_ts: datetime
    state: str
    time_class: str = "unknown"
    sub_class: str = ""
    reason: str = ""
    origin: str = "none"
    original_class: str | None = None
    original_sub_class: str | None = None
    original_reason: str | None = None


class CalendarPublic(Model):
    """The calendar in force; `digest` names its content."""

    digest: str
    config_digest: str
    timezone: str
    day_start: str
    shifts: int
    exceptions: int
    planned_stops: int
    holidays: int


class DigestPublic(Model):
    """The raw rows of a series on a production day; `sha256` once the day is closed."""

    series_key: str
    production_day: date
    rows: int
    sha256: str | None


class QualityPublic(Model):
    """What is wrong with a series, or with a device, on the days of the window."""

    of: Annotated[str, Field(description="asset and name of a series, or key of a device")]
    why: str


class EnergyPublic(Model):
    """Energy of a scope in one class of time and for one reason; class '' is not known."""

    time_class: str
    sub_class: str
    reason: str
    kwh: float


class TermPublic(Model):
    """An amount times a factor in force; without one the last two numbers are null, and it is not in the sum."""

    sum: Annotated[str, Field(description="the base sum of `inputs` to which the results of its terms add up")]
    of: Annotated[str, Field(description="energy, tariff period, fuel, gas or product; '' is not known")]
    amount: float
    unit: str
    factor: float | None
    factor_unit: str
    result: float | None


class MeterPublic(Model):
    """A meter of a scope: what it measured, and the share of it in the scope's energy and between the meters; once for
    each stretch of days where its shares changed within the window.
    """

    asset: str
    from_day: date | None
    to_day: date | None
    kwh: float
    energy_share: float
    main_share: Annotated[float, Field(description="share that sub-meters are compared with")]
    submeter_share: Annotated[float, Field(description="share that main meters of the scope measure too")]


class ExplanationPublic(Model):
    """Everything behind one value, made again from the stored pieces of time and counts."""

    site: str
    value: ValuePublic
    name_vi: str
    name_en: str
    formula: str
    unit: str
    source: str
    definition_version: int
    calculation: Annotated[
        str,
        Field(
            description="the formula with its numbers, down to the base sums: a calculator works it out",
            examples=["(25200) / (25200 + 0 + 3600 + 0 + 0) = 0.875"],
        ),
    ]
    inputs: Annotated[dict[str, float | None], Field(description="base sums that the formula reads")]
    terms: Annotated[
        list[TermPublic],
        Field(description="of money, CO2e, masses: energy times price or factor, fuel times factor, pieces times mass"),
    ]
    factors: Annotated[
        dict[str, float | None], Field(description="of OEE: A, E and Q of the same window, which multiply to it")
    ]
    made_again: float | None
    equal: Annotated[bool | None, Field(description="made again equals stored; null = cannot be, `note` says why")]
    note: str
    window_minutes: Annotated[float, Field(description="unit time of the window; the losses add up to it")]
    losses: list[LossPublic]
    contributing: list[str]
    energy: Annotated[list[EnergyPublic], Field(description="of a value of energy: they add up to it")]
    meters: Annotated[list[MeterPublic], Field(description="of a value of energy")]
    boundary: Annotated[str | None, Field(description="of a carbon or baseline value: what it covers, which factors")]
    rule: Annotated[str, Field(description="how the units below stand for the asset")]
    pieces: list[PiecePublic]
    pieces_left_out: int
    intervals: Annotated[
        list[StretchPublic],
        Field(description="what machines did in the window, by asset and time; of a job or product all while it ran"),
    ]
    intervals_left_out: Annotated[int, Field(description="more of them; /v1/intervals has all")]
    longest: Annotated[list[StretchPublic], Field(description="longest stretches without production")]
    gaps: Annotated[list[StretchPublic], Field(description="longest stretches of which nothing is known")]
    gaps_minutes: float
    quality: Annotated[
        list[QualityPublic],
        Field(description="what is wrong with series on the days of the window, the worst first, then with devices"),
    ]
    calendar: CalendarPublic | None
    raw_rows: Annotated[int, Field(description="of all days of the window, those of open days as of the computation")]
    raw_digests: list[DigestPublic]
    revisions: list[RevisionPublic]


class Which:
    """Which value of a KPI is meant."""

    def __init__(
        self,
        asset: Annotated[str, Query(max_length=500, description="key of an asset; '' is the site itself")] = "",
        grain: Annotated[Grain, Query(description="length of the window")] = Grain.DAY,
        at: Annotated[
            str | None, Query(description="first production day or window_start of the value; without it the newest")
        ] = None,
        variant: Annotated[str, Query(max_length=200, description="'' = as defined")] = "",
        shift: Annotated[str | None, Query(max_length=200, description="key of a shift")] = None,
        product: Annotated[str | None, Query(max_length=200, description="key of a product")] = None,
        job: Annotated[str | None, Query(max_length=200, description="key of a job")] = None,
        as_of: Annotated[str | None, Query(description="instant: the value as it stood then")] = None,
    ) -> None:
        self.asset, self.grain, self.at, self.variant = asset, grain, at, variant
        self.shift, self.product, self.job, self.as_of = shift, product, job, as_of


@router.get("/kpis/{kpi}/explain", responses={200: {"model": ExplanationPublic}})
def explain(
    request: Request,
    scope: CallerScope,
    caller: Caller,
    site: Site,
    kpi: Annotated[Kpi, Depends(get_kpi)],
    which: Annotated[Which, Depends()],
) -> Response:
    """Say why a stored value is so: formula with its numbers, losses, gaps, versions, raw rows, revisions."""
    found = Explainer(scope.connection, site["site_id"]).explain_read(lambda: _value(scope, site, kpi, which))
    if found.losses:
        note_losses(scope.connection, caller, site["key"], kpi=kpi.id)
    body = ExplanationPublic.model_validate(
        {
            **vars(found),
            "site": site["key"],
            "window_minutes": found.window_s / 60,
            "gaps_minutes": found.gaps_s / 60,
            "losses": [{**vars(loss), "minutes": loss.seconds / 60} for loss in found.losses],
            "calendar": found.calendar or None,
        }
    )
    return answers.json_answer(request, body)


def _value(scope: Scope, site: Row, kpi: Kpi, which: Which) -> Row:
    known = {row["key"]: row["asset_id"] for row in serving.assets(scope, site["site_id"])}
    if which.asset not in known:
        raise problems.not_found("asset", f"Site {site['key']!r} has no asset {which.asset!r}; see /v1/assets.")
    wanted = ValueFilter(
        assets=[known[which.asset]],
        kpi=kpi.id,
        grain=which.grain,
        window=window_at("at", which.at),
        variant=which.variant,
        shift=which.shift,
        product=which.product,
        job=which.job,
        as_of=instant("as_of", which.as_of),
    )
    rows = serving.kpi_values(scope, wanted, None, ValueKey())
    if not rows:
        raise problems.not_found("value", "There is no such value; /v1/kpis/{kpi}/values lists those that are stored.")
    return rows[-1]
