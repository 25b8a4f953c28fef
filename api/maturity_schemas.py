"""Frameworks, assessments, decisions, statements and evidence over the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Model

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, hexadecimal")]
Key = Annotated[str, Field(min_length=1, max_length=100)]


class Asked(BaseModel):
    """A body that is asked for: nothing unknown in it."""

    model_config = ConfigDict(extra="forbid")


class NewAssessment(Asked):
    """Which days are assessed against which catalogue; both days included."""

    framework: Key = "lighthouse-os"
    first: date
    last: date


class NewInvitation(Asked):
    """Who is invited to decide."""

    account: Annotated[
        str, Field(min_length=1, max_length=200, description="name of an account with an assessor's key")
    ]


class NewDecision(Asked):
    """What an assessor says of a criterion."""

    criterion: Key
    decision: Literal["accept", "reject", "not_applicable"]
    comment: Annotated[str, Field(max_length=5000, description="why; needed where it is not what the data say")] = ""
    attachment: Sha256 | None = None


class NewClaim(Asked):
    """A level that the site claims; 1 = has it, of a technology group."""

    framework: Key = "lighthouse-os"
    key: Key
    level: Annotated[int, Field(ge=0, le=10)]


class NewDeclaration(Asked):
    """What no data can show."""

    metric: Annotated[str, Field(max_length=200, examples=["declared.cyber_training_share"])]
    value: Annotated[float, Field(allow_inf_nan=False)]
    statement: Annotated[str, Field(min_length=1, max_length=5000)]
    attachment: Sha256 | None = None
    since: Annotated[date | None, Field(description="day from which it counts; today without it")] = None


class FrameworkPublic(Model):
    """A catalogue that comes with the product."""

    key: str
    version: int
    name: dict[str, str]
    publisher: str
    status: str
    levels: int
    criteria: int
    disclaimer: dict[str, str]


class Frameworks(Model):
    """The catalogues."""

    items: list[FrameworkPublic]


class MetricPublic(Model):
    """What a criterion may measure."""

    name: str
    unit: str
    explanation: str
    parameters: list[str]
    requires: Annotated[list[str], Field(description="kinds of records that it needs")]


class MetricsPublic(Model):
    """All metrics."""

    items: list[MetricPublic]


class AssessmentRow(Model):
    """An assessment in a list."""

    assessment_id: int
    site: str
    framework: str
    framework_version: int
    first_day: date
    last_day: date
    number: Annotated[int, Field(description="of its site, framework and period; each supersedes the one before")]
    origin: str
    supersedes: int | None
    superseded_by: int | None
    created_at: datetime
    finalized_at: datetime | None
    counts: Annotated[dict[str, int], Field(description="criteria by what the data say")]


class AssessmentPage(Model):
    """One page of assessments, newest first."""

    site: str
    items: list[AssessmentRow]
    next_cursor: str | None


class LevelPublic(Model):
    """One area or principle: its level three times, never averaged."""

    model_config = ConfigDict(extra="allow", frozen=True)

    key: str
    supported: Annotated[int, Field(description="by data")]
    claimed: Annotated[int | None, Field(description="by the site; null = nothing claimed")]
    confirmed: Annotated[
        int | None, Field(description="by the assessor's decisions so far, or finally; null = not said in an import")
    ] = None


class AssessmentSummary(Model):
    """Levels and counts of an assessment."""

    assessment_id: int
    number: int
    status: Literal["open", "final", "superseded", "imported"]
    origin: str
    opened_at: datetime
    final_at: datetime | None
    supersedes: int | None
    superseded_by: int | None
    site: str
    framework: dict[str, Any]
    period: dict[str, date]
    counts: dict[str, int]
    decided: dict[str, int]
    principles: list[LevelPublic]
    areas: list[LevelPublic]


class AssessmentPublic(Model):
    """An assessment whole."""

    assessment_id: int
    number: int
    status: Literal["open", "final", "superseded", "imported"]
    origin: str
    opened_at: datetime
    final_at: datetime | None
    supersedes: int | None
    superseded_by: int | None
    invited: Annotated[list[str], Field(description="accounts that may decide")]
    undecided: Annotated[list[str], Field(description="criteria that need a decision before it can be final")]
    site: str
    framework: dict[str, Any]
    period: dict[str, date]
    counts: dict[str, int]
    principles: list[LevelPublic]
    areas: list[LevelPublic]
    criteria: Annotated[list[dict[str, Any]], Field(description="what the data say, with numbers, beside the decision")]
    gaps: dict[str, Any]


class DecisionPublic(Model):
    """A decision; `attachment` is the SHA-256 of the file."""

    criterion: str
    decision: str
    comment: str
    attachment: str | None
    account: str
    at: datetime


class Decisions(Model):
    """Every decision on an assessment, oldest first: the newest on a criterion counts."""

    assessment_id: int
    items: list[DecisionPublic]


class ClaimPublic(Model):
    """A claim; the newest of a key counts."""

    framework: str
    key: str
    level: int
    account: str | None
    at: datetime


class Claims(Model):
    """Claims of a site, newest first."""

    site: str
    items: list[ClaimPublic]


class DeclarationPublic(Model):
    """A declaration; the newest of a name counts from its day on."""

    name: str
    value: float
    statement: str
    attachment: str | None
    valid_from: date
    account: str | None
    at: datetime


class Declarations(Model):
    """Declarations of a site, newest first."""

    site: str
    items: list[DeclarationPublic]


class AttachmentKept(Model):
    """A file that was kept."""

    sha256: str
    bytes: int


class EvidenceRecord(Model):
    """A record of the evidence log; its leaf hash is SHA-256(0x00 ‖ record)."""

    seq: Annotated[int, Field(description="place in the log, from 0")]
    kind: str
    object: str
    record: Annotated[str, Field(description="canonical JSON (RFC 8785), as it was hashed")]
    leaf_hash: str
    recorded_at: datetime


class EvidencePage(Model):
    """One page of a site's records, newest first."""

    site: str
    items: list[EvidenceRecord]
    next_cursor: str | None


class InclusionPublic(Model):
    """Audit path of a record in the log of a checkpoint (RFC 9162)."""

    record: int
    size: int
    leaf_hash: str
    path: list[str]


class ProofPublic(Model):
    """A record, the checkpoint that holds it and the path between them."""

    record: EvidenceRecord
    checkpoint: Annotated[str, Field(description="signed note")]
    inclusion: InclusionPublic
