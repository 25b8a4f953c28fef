"""The way of an assessment: opened from the data, judged by invited assessors, final; each step entered as evidence.

The steps are those of the API and of the command line alike; each runs in the caller's transaction and sees the sites
that the caller's connection sees. Names of persons and comments stay in the database: the log has digests of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from maturity import assessment_records as records
from maturity.assessing import Progress
from maturity.confirming import SHORTEST_REASON, Decision, needs_reason
from maturity.errors import (
    AssessmentError,
    NotInvitedError,
    SettledAssessmentError,
    TamperedLogError,
    UnknownAssessmentError,
)
from maturity.framework import Framework
from maturity.kept import Kept
from maturity.site_assessment import assess_site
from model.canonical import digest
from store import access, assessments, evidence, registry
from store import maturity as rows
from store.pool import Connection

MOST_COMMENT = 5000
_SHOWN = 12
_MOST_KNOWN = 20
_KNOWN: dict[str, Framework] = {}


@dataclass(frozen=True)
class Ruling:
    """What an assessor says of a criterion; `attachment` is the SHA-256 of a file that the site has, hexadecimal."""

    criterion: str
    decision: Decision
    comment: str = ""
    attachment: str | None = None


def open_assessment(  # noqa: PLR0913 - what an assessment is of, and who asks
    connection: Connection,
    framework: Framework,
    site: str,
    period: tuple[date, date],
    *,
    account_id: int | None = None,
    progress: Progress | None = None,
) -> Kept:
    """Assess a site and keep the result, open for decisions; an earlier one of the same period is superseded.

    Raises:
        UnknownSiteError: there is no such site.
        AssessmentError: the site has no data in the period.
    """
    site_id = registry.site_id(connection, site)
    require_data(connection, site, period)
    found = assess_site(connection, framework, site, period, progress)
    result = json.loads(json.dumps(found.plain(), allow_nan=False))
    with connection.transaction():
        evidence.lock_log(connection)  # one opens at a time, so that numbers are given in a line
        before = assessments.newest_of_period(connection, site_id, framework.key, period)
        content = framework.plain()
        assessments.keep_framework(connection, digest(content), framework.key, framework.version, content)
        row = {
            "site_id": site_id,
            "framework": framework.key,
            "framework_version": framework.version,
            "catalogue_digest": digest(content),
            "first": period[0],
            "last": period[1],
            "result": result,
            "number": before[1] + 1 if before else 1,
            "supersedes": before[0] if before else None,
            "account_id": account_id,
        }
        id_, _ = assessments.insert(connection, row)
        kept = read(connection, id_)
        records.enter(connection, kept, records.OPENED, records.opened(kept))
        _audit(connection, account_id, "assessment.open", kept)
    return kept


def read(connection: Connection, assessment_id: int, *, lock: bool = False) -> Kept:
    """An assessment with its decisions.

    Raises:
        UnknownAssessmentError: there is none that this connection may see.
    """
    stored = assessments.find(connection, assessment_id, lock=lock)
    if stored is None:
        raise UnknownAssessmentError(f"There is no assessment {assessment_id}.")
    given = assessments.decisions(connection, assessment_id)
    catalogue = _catalogue(connection, stored.catalogue_digest)
    return Kept(stored, catalogue, given, assessments.invited(connection, assessment_id))


def invite(connection: Connection, assessment_id: int, account: str, by: int | None = None) -> Kept:
    """Invite an account to decide.

    Raises:
        UnknownAssessmentError: there is no such assessment.
        SettledAssessmentError: it takes no decisions any more.
        AssessmentError: the account cannot be an assessor of this site; the sentence says why.
    """
    with connection.transaction():
        kept = read(connection, assessment_id, lock=True)
        _require_open(kept)
        found = assessments.candidate(connection, account, kept.stored.site_id)
        why = _why_no_assessor(connection, account, kept)
        if found is None or why:
            advice = f"`haidang key create '{account}' --role assessor --site {kept.stored.site} --days N` makes one."
            raise AssessmentError(why if why and "works for" in why else f"{why} {advice}")
        assessments.invite(connection, assessment_id, found.account_id, kept.stored.site_id)
        _audit(connection, by, "assessment.invite", kept, {"account": account})
    return read(connection, assessment_id)


def decide(connection: Connection, assessment_id: int, account_id: int, ruling: Ruling) -> Kept:
    """Keep the decision of an invited assessor; a later one on the same criterion takes its place.

    Raises:
        UnknownAssessmentError: there is no such assessment.
        NotInvitedError: the account is not invited to it.
        SettledAssessmentError: it is final or superseded.
        AssessmentError: there is no such criterion or file, or a reason is missing.
    """
    with connection.transaction():
        kept = _invited(connection, assessment_id, account_id)
        _check(kept, ruling)
        row = {
            "assessment_id": assessment_id,
            "site_id": kept.stored.site_id,
            "criterion": ruling.criterion,
            "decision": ruling.decision.value,
            "comment": ruling.comment,
            "attachment_id": _attachment(connection, kept, ruling.attachment),
            "account_id": account_id,
        }
        at = assessments.decide(connection, row)
        records.enter(connection, kept, records.DECIDED, records.decided(row, ruling.attachment, at), ruling.criterion)
        said = {"criterion": ruling.criterion, "decision": ruling.decision.value}
        _audit(connection, account_id, "assessment.decide", kept, said)
    return read(connection, assessment_id)


def finalise(connection: Connection, assessment_id: int, account_id: int) -> Kept:
    """End an assessment for ever.

    Raises:
        UnknownAssessmentError: there is no such assessment.
        NotInvitedError: the account is not invited to it.
        SettledAssessmentError: it is final or superseded, or mandatory criteria of which the data say something have no
            decision.
    """
    with connection.transaction():
        kept = _invited(connection, assessment_id, account_id)
        if kept.undecided:
            raise SettledAssessmentError(f"Not ready to be final: no decision on {_some(kept.undecided)}.")
        at = assessments.finalise(connection, assessment_id, account_id)
        records.enter(connection, kept, records.FINAL, records.final(kept, account_id, at))
        _audit(connection, account_id, "assessment.finalise", kept)
    return read(connection, assessment_id)


def _catalogue(connection: Connection, wanted: str) -> Framework:
    """The catalogue of a digest; what was read once is known by its digest."""
    if wanted not in _KNOWN:
        content = assessments.framework(connection, wanted)
        if digest(content) != wanted:
            raise TamperedLogError(f"The kept catalogue {wanted} is not what its digest says.")
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[wanted] = Framework.model_validate(content)
    return _KNOWN[wanted]


def require_data(connection: Connection, site: str, period: tuple[date, date]) -> None:
    """Refuse a period of which the site has no data.

    Raises:
        UnknownSiteError: there is no such site.
        AssessmentError: the site has no data in the period; says which days it has.
    """
    known = rows.extent(connection, registry.site_id(connection, site))
    if known is None:
        raise AssessmentError(f"The site {site!r} has no KPI values yet: there is nothing to assess.")
    if period[1] < known[0] or period[0] > known[1]:
        raise AssessmentError(f"The site {site!r} has no data in the period; its days are {known[0]} to {known[1]}.")


def _require_open(kept: Kept) -> None:
    assessment_id = kept.stored.assessment_id
    if kept.is_imported:
        raise SettledAssessmentError(f"Assessment {assessment_id} was imported: it is judged where it was made.")
    if kept.status == "final":
        raise SettledAssessmentError(f"Assessment {assessment_id} is final; a new one of the period supersedes it.")
    if kept.status == "superseded":
        raise SettledAssessmentError(f"Assessment {assessment_id} is superseded by {kept.stored.superseded_by}.")


def _invited(connection: Connection, assessment_id: int, account_id: int) -> Kept:
    """An open assessment to which the account is invited; who is not is told that, whatever state it is in."""
    kept = read(connection, assessment_id, lock=True)
    account = next((str(each["account"]) for each in kept.invited if each["account_id"] == account_id), None)
    if account is None:
        raise NotInvitedError(f"This account is not invited to assessment {assessment_id}.")
    _require_open(kept)
    if why := _why_no_assessor(connection, account, kept):
        raise NotInvitedError(f"{why} What {account!r} decided before stays.")
    return kept


def _why_no_assessor(connection: Connection, account: str, kept: Kept) -> str | None:
    """Why an account cannot judge the site, now: keys end and are revoked, and nobody judges own work."""
    found, site = assessments.candidate(connection, account, kept.stored.site_id), kept.stored.site
    if found is None or "assessor" not in found.roles:
        return f"{account!r} has no usable key of the role assessor."
    if not found.is_granted:
        return f"{account!r} may not see the site {site!r}."
    others = [role for role in found.roles if role in ("engineer", "admin")]
    return f"{account!r} also works for the site ({', '.join(others)}): nobody judges own work." if others else None


def _check(kept: Kept, ruling: Ruling) -> None:
    outcome = kept.outcomes.get(ruling.criterion)
    if outcome is None:
        raise AssessmentError(f"{kept.framework.key} has no criterion {ruling.criterion!r}.")
    if len(ruling.comment) > MOST_COMMENT:
        raise AssessmentError(f"The comment is longer than {MOST_COMMENT:,} characters.")
    if needs_reason(outcome, ruling.decision) and len(ruling.comment.strip()) < SHORTEST_REASON:
        told = outcome.value.replace("_", " ")
        raise AssessmentError(
            f"The data say of {ruling.criterion}: {told}. To {ruling.decision.value.replace('_', ' ')} it all the same "
            f"needs a comment of at least {SHORTEST_REASON} characters that says why."
        )


def _attachment(connection: Connection, kept: Kept, sha256: str | None) -> int | None:
    if sha256 is None:
        return None
    found = rows.attachment_id(connection, kept.stored.site_id, sha256)
    if found is None:
        raise AssessmentError(f"The site {kept.stored.site!r} has no attachment {sha256}: upload it first.")
    return found


def _audit(
    connection: Connection, account_id: int | None, action: str, kept: Kept, detail: Mapping[str, Any] | None = None
) -> None:
    said = {"assessment": kept.stored.assessment_id, **(detail or {})}
    access.record_audit(connection, account_id, action, kept.stored.site, said)


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
