"""A site's summary for a programme: levels, claims, open criteria and technology groups, signed; nothing else. Pure.

No readings, no values, no machines, no names of persons. The catalogue travels along, so that the receiver can check
that the levels follow from the outcomes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from maturity import dsse
from maturity.errors import ProgrammeError
from maturity.evaluate import Outcome
from maturity.framework import MOST_CRITERIA, Framework
from maturity.levels import Standing, standings
from maturity.notes import PublicKey, SigningKey
from model.canonical import digest

KIND = "https://haidang.example/programme-summary/v1"
ASSESSMENT = "assessment.json"
MOST_BYTES = 5_000_000

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
SiteKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Number = Annotated[int, Field(ge=0, le=10)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(_Part):
    """Level of an area or principle: what the data support, what the site claims, what assessors confirmed."""

    key: Name
    supported: Number
    claimed: Number | None = None
    confirmed: Number | None = None


class Finding(_Part):
    """What the data say of a criterion, and whether it rests on somebody's word."""

    id: Name
    outcome: Outcome
    declared: bool = False


class OpenOne(_Part):
    """A criterion that keeps a principle from its next level, and the technology groups it lacks."""

    id: Name
    principle: Name
    lacking: tuple[Name, ...] = ()


class Unlock(_Part):
    """A technology group that is lacking, with the criteria that it opens by itself or together with others."""

    group: Name
    opens: tuple[Name, ...] = ()
    helps: tuple[Name, ...] = ()


class Summary(_Part):
    """What a site hands over."""

    format: Literal["haidang-programme-summary"] = "haidang-programme-summary"
    site: SiteKey
    made_at: datetime
    first: date
    last: date
    catalogue: Framework
    principles: tuple[Level, ...]
    areas: tuple[Level, ...]
    criteria: Annotated[tuple[Finding, ...], Field(max_length=MOST_CRITERIA)]
    open: tuple[OpenOne, ...]
    shown: tuple[Name, ...]
    unlocks: tuple[Unlock, ...]

    @property
    def catalogue_digest(self) -> str:
        """Which catalogue, by its content."""
        return digest(self.catalogue.plain())

    @property
    def counts(self) -> dict[str, int]:
        """Number of criteria by outcome."""
        found = [each.outcome for each in self.criteria]
        return {outcome.value: found.count(outcome) for outcome in Outcome}

    def plain(self) -> dict[str, Any]:
        """As it is signed."""
        said = self.model_dump(mode="json", exclude={"catalogue"})
        return {**said, "catalogue": self.catalogue.plain()}

    def result(self) -> dict[str, Any]:
        """In the form in which assessments are kept, as far as a summary goes."""
        catalogue = self.catalogue
        found = {each.id: each for each in self.criteria}
        described = [(each, found[each.id]) for each in catalogue.criteria if each.id in found]
        return {
            "site": self.site,
            "framework": {
                "key": catalogue.key,
                "version": catalogue.version,
                "digest": self.catalogue_digest,
                "disclaimer": catalogue.disclaimer.model_dump(),
            },
            "period": {"first": self.first.isoformat(), "last": self.last.isoformat()},
            "counts": self.counts,
            "principles": [each.model_dump() for each in self.principles],
            "areas": [each.model_dump() for each in self.areas],
            "criteria": [
                {**said.model_dump(mode="json"), "version": each.version, "area": each.area, "level": each.level}
                for each, said in described
            ],
            "gaps": {
                "open": [each.model_dump(mode="json") for each in self.open],
                "shown": list(self.shown),
                "unlocks": [each.model_dump(mode="json") for each in self.unlocks],
            },
        }


@dataclass(frozen=True)
class Assessed:
    """An assessment as it is kept or exported (`plain`), its catalogue, and the levels that assessors confirmed."""

    plain: Mapping[str, Any]
    catalogue: Framework
    confirmed: Mapping[str, int]


def summarise(assessed: Assessed, made_at: datetime) -> Summary:
    """Reduce an assessment to what a programme is told.

    Raises:
        ProgrammeError: the assessment is none, or contradicts itself.
    """
    said = assessed.plain
    try:
        summary = Summary(
            site=said["site"],
            made_at=made_at.astimezone(UTC),
            first=said["period"]["first"],
            last=said["period"]["last"],
            catalogue=assessed.catalogue,
            principles=tuple(_level(each, assessed.confirmed) for each in said["principles"]),
            areas=tuple(_level(each, assessed.confirmed) for each in said["areas"]),
            criteria=tuple(Finding(**_some(each, "id", "outcome", "declared")) for each in said["criteria"]),
            open=tuple(OpenOne(**_some(each, "id", "principle", "lacking")) for each in said["gaps"]["open"]),
            shown=tuple(said["gaps"]["shown"]),
            unlocks=tuple(Unlock(**_some(each, "group", "opens", "helps")) for each in said["gaps"]["unlocks"]),
        )
    except (ValidationError, KeyError, TypeError) as error:
        raise ProgrammeError("This is no assessment that can be summarised.") from error
    return _checked(summary)


def sign(summary: Summary, assessment: Mapping[str, Any], key: SigningKey) -> bytes:
    """Sign a summary; its subject is the whole assessment, which stays with the site."""
    return dsse.sign(dsse.Statement({ASSESSMENT: digest(assessment)}, summary.plain(), KIND), key)


def read(envelope: bytes, key: PublicKey) -> Summary:
    """Read a signed summary.

    Raises:
        SignatureError: it is not signed by this key, or was changed.
        ProgrammeError: what is signed is no summary, or contradicts itself.
    """
    said = dsse.verify(envelope, key, KIND).predicate
    try:
        summary = Summary.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ProgrammeError(f"The signed summary cannot be read: {where}: {first['msg']}.") from error
    return _checked(summary)


def _level(said: Mapping[str, Any], confirmed: Mapping[str, int]) -> Level:
    key = said["key"]
    return Level(key=key, supported=said["supported"], claimed=said["claimed"], confirmed=confirmed.get(key))


def _some(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: said[name] for name in names}


def _checked(summary: Summary) -> Summary:
    """Refuse levels that do not follow from the outcomes, and names that the catalogue does not have."""
    catalogue = summary.catalogue
    if summary.last < summary.first:
        raise ProgrammeError("The period of the summary ends before it begins.")
    if summary.made_at.tzinfo is None:
        raise ProgrammeError("The summary does not say in which time zone it was made.")
    top = max(each.level for each in catalogue.levels)
    above = [
        each for each in (*summary.principles, *summary.areas) if max(each.claimed or 0, each.confirmed or 0) > top
    ]
    if above:
        raise ProgrammeError(f"The summary has a level of {above[0].key} above {top}, the highest of its catalogue.")
    outcomes = {each.id: each.outcome for each in summary.criteria}
    known = {each.id for each in catalogue.criteria}
    strange = sorted((outcomes.keys() | {each.id for each in summary.open}) - known)
    if strange:
        raise ProgrammeError(f"The summary names {strange[0]!r}, which its catalogue does not have.")
    if len(outcomes) != len(summary.criteria) or len(outcomes) != len(known):
        raise ProgrammeError("The summary does not have every criterion of its catalogue, each once.")
    stands = standings(catalogue, outcomes)
    _check_gaps(summary, stands)
    said = {each.key: each.supported for each in (*summary.principles, *summary.areas)}
    for key, stand in stands.items():
        if said.pop(key, None) != stand.level:
            raise ProgrammeError(f"The level of {key} in the summary does not follow from its criteria.")
    if said:
        raise ProgrammeError(f"The summary has a level of {next(iter(said))!r}, which its catalogue does not have.")
    return summary


def _check_gaps(summary: Summary, stands: Mapping[str, Standing]) -> None:
    """Refuse open criteria and technology groups that do not follow from the outcomes."""
    due = {
        (name, each.key)
        for each in summary.catalogue.principles
        if (following := stands[each.key].next)
        for name in following.open
    }
    if {(each.id, each.principle) for each in summary.open} != due or len(summary.open) != len(due):
        raise ProgrammeError("The open criteria of the summary do not follow from its levels.")
    groups = {each.key for each in summary.catalogue.technology_groups}
    opened = {each.id for each in summary.open}
    for each in summary.unlocks:
        if not {*each.opens, *each.helps} <= opened:
            raise ProgrammeError(f"The summary says of {each.group} that it opens criteria which are not open.")
    named = {
        *summary.shown,
        *(each.group for each in summary.unlocks),
        *(n for each in summary.open for n in each.lacking),
    }
    if strange := sorted(named - groups):
        raise ProgrammeError(
            f"The summary names the technology group {strange[0]!r}, which its catalogue does not have."
        )
