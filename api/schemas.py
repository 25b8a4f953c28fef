"""What goes over the wire, documented for OpenAPI. Times are UTC, durations in seconds, ratios as fractions."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Rows of the store may carry more columns than are shown; what is shown is declared here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Problem(Model):
    """Problem details (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:haidang:problem:unknown-site"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=["There is no site 'x' for this key; /v1/sites lists yours."])]
    instance: str
    errors: list[dict[str, Any]] | None = None


class SitePublic(Model):
    """A site of the caller."""

    key: Annotated[str, Field(examples=["pilot-hcmc"])]
    name: Annotated[str, Field(examples=["Nhà máy thí điểm"])]
    timezone: Annotated[str, Field(examples=["Asia/Ho_Chi_Minh"])]
    country: Annotated[str, Field(examples=["VN"])]
    grid_zone: Annotated[str | None, Field(description="zone of its emission factors, null = not known")]
    factor_set: Annotated[str | None, Field(description="emission factor set in use, null = none chosen")]
    origin: str
    newest_day: Annotated[date | None, Field(description="newest production day that has values")]


class Sites(Model):
    """The caller's sites."""

    items: list[SitePublic]


class AssetPublic(Model):
    """A node of the site's hierarchy (ISA-95); key '' is the site itself."""

    key: Annotated[str, Field(examples=["hall1/line1/filler"])]
    parent: str | None
    level: Annotated[str, Field(examples=["unit"])]
    kind: str
    name: str
    status: str
    critical: bool
    state_model: str
    roll_up: str


class Assets(Model):
    """The assets of a site."""

    site: str
    items: list[AssetPublic]


class KpiPublic(Model):
    """A KPI of the catalogue."""

    model_config = ConfigDict(from_attributes=True, extra="ignore", frozen=True)

    id: Annotated[str, Field(examples=["oee"])]
    iso_number: Annotated[int | None, Field(description="number in ISO 22400-2, null = not of that standard")]
    iso_name: str | None
    name_vi: str
    name_en: str
    explanation_vi: str
    explanation_en: str
    formula: str
    unit: Annotated[str, Field(description="1 = a ratio, given as a fraction")]
    direction: Annotated[str, Field(description="which way is better")]
    lower: float | None
    upper: float | None
    basis: str
    inputs: list[str]
    aggregation: str
    grains: list[str]
    variants: Annotated[list[str], Field(description="'' = as defined; none where each characteristic is one")]
    record: Annotated[str | None, Field(description="kind of business record that it needs")]
    loss: Annotated[str, Field(description="which of the six big losses it measures")]
    timing: Annotated[list[str], Field(description="when the standard wants it")]
    needs: Annotated[list[str], Field(description="signals, records and configuration it cannot do without")]
    definition_version: int
    source: str


class Kpis(Model):
    """The KPI catalogue."""

    items: list[KpiPublic]


class ValuePublic(Model):
    """A KPI value with everything that says how much it can be trusted. A null value has its reason in `status`."""

    asset: Annotated[str, Field(description="key of the scope: unit, line, area, or '' for the site")]
    kpi: str
    variant: str
    grain: str
    window_start: datetime
    window_end: datetime
    production_day: date
    shift: str
    product: str
    job: str
    value: Annotated[float | None, Field(examples=[0.7479])]
    numerator: float | None
    denominator: float | None
    coverage: Annotated[float | None, Field(description="1 − unknown / planned busy time")]
    completeness: Annotated[float | None, Field(description="received / expected, or covered / window")]
    status: Annotated[str, Field(examples=["final"])]
    is_final: bool
    flags: list[str]
    definition_version: int
    factor_set: str | None
    config_digest: str
    inputs_digest: str
    revision: int
    computed_at: datetime
    superseded_at: datetime | None
    cause: list[str]


class Values(Model):
    """One page of values; `next_cursor` is null on the last one."""

    site: str
    kpi: str
    unit: str
    items: list[ValuePublic]
    next_cursor: str | None


class InForce(Model):
    """A correction in force: what, who, when, why."""

    id: int
    from_ts: datetime
    to_ts: datetime
    reason: str | None
    product: str | None
    note: str
    account: str | None
    created_at: datetime


class AnnotationPublic(InForce):
    """A statement about a stretch of time; none is ever changed or deleted."""

    asset: str
    supersedes: Annotated[int | None, Field(description="the statement whose place it took")]
    status: Annotated[str, Field(description="in_force, superseded, reverted, or revert: it takes another one back")]


class Annotations(Model):
    """One page of statements, newest first."""

    site: str
    items: list[AnnotationPublic]
    next_cursor: str | None


class Corrected(Model):
    """Numbers of the statements that were made; the days they touch are computed again by the KPI job."""

    annotations: list[int]


class RecordPublic(Model):
    """A business record that stands: what its key names, when, what it says, who says so."""

    kind: str
    key: str
    from_ts: datetime
    to_ts: datetime | None
    payload: dict[str, Any]
    source: str
    recorded_at: datetime


class Records(Model):
    """One page of records."""

    site: str
    items: list[RecordPublic]
    next_cursor: str | None


class RecordTable(Model):
    """Rows with `key`, `asset`, `from`, `to` and what the kind says; numbers or texts."""

    items: list[dict[str, Any]]


class Refusal(Model):
    """A row that was not taken, and why."""

    line: int
    reason: str


class RecordsImported(Model):
    """What an import brought; `refusals` are the first hundred."""

    new: int
    changed: int
    equal: int
    refused: int
    refusals: list[Refusal]


class FindingPublic(Model):
    """What a computation noticed, from the first to the last day on which it did."""

    from_day: date
    to_day: date
    asset: str
    kind: str
    text: str


class Findings(Model):
    """What computations noticed."""

    site: str
    items: list[FindingPublic]


class IntervalPublic(Model):
    """A stretch of time of one unit in one time class."""

    asset: str
    production_day: date
    from_ts: datetime
    to_ts: datetime
    duration_s: float
    time_class: Annotated[str, Field(examples=["production"])]
    sub_class: str
    reason: str
    state: Annotated[str, Field(description="the machine's own word", examples=["EXECUTE"])]
    shift: str
    origin: Annotated[str, Field(description="what says so: signal, record, annotation, calendar, none")]
    original_class: Annotated[str | None, Field(description="before a correction; null where none is applied")] = None
    original_sub_class: str | None = None
    original_reason: str | None = None
    annotation: Annotated[
        InForce | None, Field(description="the newest correction in force; it shows in the class after the KPI job")
    ] = None


class Intervals(Model):
    """One page of intervals."""

    site: str
    items: list[IntervalPublic]
    next_cursor: str | None


class RejectedPublic(Model):
    """A message, or a part of one, that was not stored, and why."""

    id: int
    site: Annotated[str | None, Field(description="null = the topic names no known site")]
    device: str | None
    topic: str
    reason: Annotated[str, Field(description="code", examples=["undecodable"])]
    detail: Annotated[str, Field(description="a sentence for a person")]
    whole: Annotated[bool, Field(description="false = other values of the message were stored")]
    payload_bytes: int
    payload_excerpt: Annotated[str | None, Field(description="its beginning; null unless the key is an engineer's")]
    first_at: datetime
    last_at: datetime
    times: int
    status: Annotated[str, Field(description="open, replayed or dismissed")]
    replayable: Annotated[bool, Field(description="its payload was kept as it was sent, so it can be tried again")]
    requested_at: Annotated[datetime | None, Field(description="when its replay was last asked for")]
    done_at: Annotated[datetime | None, Field(description="when that was carried out; null while it waits")]
    outcome: Annotated[str | None, Field(description="what became of it, a sentence")]


class ReplayAnswer(Model):
    """What a request for replays found; ingest carries it out within seconds."""

    model_config = ConfigDict(from_attributes=True, extra="ignore", frozen=True)

    found: Annotated[int, Field(description="open messages of this selection")]
    asked: Annotated[int, Field(description="of these, replays that wait from now on")]
    waiting: Annotated[int, Field(description="that waited already")]
    not_replayable: Annotated[int, Field(description="whose payload was not kept as it was sent")]
    more: Annotated[int, Field(description="that the limit left out: ask again")]


class DismissAnswer(Model):
    """How many messages were put aside."""

    dismissed: int


class ConflictPublic(Model):
    """Another value for a stored key: the first stays, this one is kept beside it."""

    id: int
    site: str
    asset: str | None
    name: Annotated[str, Field(description="series, or kind of event")]
    event_key: str | None
    ts: Annotated[datetime, Field(description="device time")]
    stored: Any
    received: Any
    received_at: datetime


class ConflictPage(Model):
    """One page of conflicts, newest first."""

    items: list[ConflictPublic]
    next_cursor: str | None


class RejectedPage(Model):
    """One page of rejected messages, newest first."""

    items: list[RejectedPublic]
    next_cursor: str | None


class MessageAccount(Model):
    """received = processed + rejected + redelivered."""

    received: int
    processed: int
    rejected: int
    redelivered: int
    balanced: bool


class ValueAccount(Model):
    """decoded = stored + duplicate + conflict + rejected."""

    decoded: int
    stored: int
    duplicate: int
    conflict: int
    rejected: int
    balanced: bool


class SpreadPublic(Model):
    """A histogram in ms: half, 99 % and all of the messages are at most this; null = above the last bound."""

    p50: float | None
    p99: float | None
    most: float | None


class LedgerRow(Model):
    """Both accounts of a device and hour."""

    hour: datetime
    site: str | None
    device: str | None
    messages: MessageAccount
    values: ValueAccount
    ignored: int
    missing_seq: Annotated[int, Field(description="numbers missing in the device's sequence; late ones correct it")]
    replayed: Annotated[int, Field(description="of the received messages, replays of rejected ones")]
    latency_ms: Annotated[SpreadPublic | None, Field(description="from receipt to the commit")]
    skew_ms: Annotated[SpreadPublic | None, Field(description="from device time to receipt; negative = clock ahead")]


class LedgerTotal(Model):
    """Both accounts of the whole range, whatever the page."""

    messages: MessageAccount
    values: ValueAccount
    ignored: int
    missing_seq: int
    replayed: int
    newest_hour: datetime | None
    latency_ms: SpreadPublic | None = None
    skew_ms: SpreadPublic | None = None


class LedgerPage(Model):
    """One page of the ingest accounts."""

    items: list[LedgerRow]
    total: LedgerTotal
    balanced: Annotated[bool, Field(description="both accounts of the whole range add up")]
    next_cursor: str | None


class Check(Model):
    """One thing that must work."""

    name: Annotated[str, Field(examples=["database"])]
    ok: bool
    detail: str


class Health(Model):
    """What works and what fails."""

    status: Annotated[str, Field(examples=["ok"])]
    failing: list[str]
    checks: list[Check]
    last_message_age_s: float | None = None
    last_kpi_run_age_s: float | None = None
    oldest_dirty_mark_age_s: float | None = None
