"""The way of an assessment: opened from the data, judged by invited assessors, final; each step entered as evidence.

The steps are those of the API and of the command line alike; each runs in the caller's transaction and sees the sites
that the caller's connection sees. Names of persons and comments stay in the database: the log has digests of them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from maturity.assessing import Progress
from maturity.confirming import SHORTEST_REASON, Decision, needs_reason
from maturity.entering import canonical_object, code_version, instant
from maturity.errors import AssessmentError, NotInvitedError, SettledAssessmentError, UnknownAssessmentError
from maturity.framework import Framework
from maturity.kept import Kept
from maturity.log import EvidenceLog, Record, entry
from maturity.site_assessment import assess_site
from model.canonical import digest
from store import access, assessments, evidence, registry
from store import maturity as rows
from store.pool import Connection

ASSESSMENT_KIND, DECISION_KIND, FINAL_KIND = "assessment", "assessor_decision", "assessment_final"
MOST_COMMENT = 5000
_SHOWN = 12


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
    _require_data(connection, site_id, site, period)
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
        _enter(connection, kept, ASSESSMENT_KIND, _opened(kept))
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
    catalogue = Framework.model_validate(assessments.framework(connection, stored.catalogue_digest))
    given = assessments.decisions(connection, assessment_id)
    return Kept(stored, catalogue, given, assessments.invited(connection, assessment_id))


def invite(connection: Connection, assessment_id: int, account: str, by: int | None = None) -> Kept:
    """Invite an account to decide.

    Raises:
        UnknownAssessmentError: there is no such assessment.
        SettledAssessmentError: it takes no decisions any more.
        AssessmentError: the account cannot be an assessor of this site; the sentence says why.
    """
    with connection.transaction():
        kept = _open(connection, assessment_id)
        site = kept.stored.site
        found = assessments.candidate(connection, account, kept.stored.site_id)
        advice = f"`haidang key create {account} --role assessor --site {site} --days N` makes one."
        if found is None or "assessor" not in found.roles:
            raise AssessmentError(f"{account!r} has no usable key of the role assessor; {advice}")
        if not found.is_granted:
            raise AssessmentError(f"{account!r} may not see the site {site!r}; {advice}")
        others = [role for role in found.roles if role in ("engineer", "admin")]
        if others:
            raise AssessmentError(f"{account!r} also works for the site ({', '.join(others)}): nobody judges own work.")
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
        content = {
            "criterion": ruling.criterion,
            "decision": ruling.decision.value,
            "comment_sha256": hashlib.sha256(ruling.comment.encode()).hexdigest(),
            "attachment": ruling.attachment,
            "account": account_id,
            "at": instant(at),
        }
        _enter(connection, kept, DECISION_KIND, content, ruling.criterion)
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
        stands = {key: stand.level for key, stand in kept.confirmed.items()}
        content = {
            "decisions": {name: each.value for name, each in kept.rulings.items()},
            "confirmed": stands,
            "account": account_id,
            "at": instant(at),
        }
        _enter(connection, kept, FINAL_KIND, content)
        _audit(connection, account_id, "assessment.finalise", kept)
    return read(connection, assessment_id)


def _require_data(connection: Connection, site_id: int, site: str, period: tuple[date, date]) -> None:
    known = rows.extent(connection, site_id)
    if known is None:
        raise AssessmentError(f"The site {site!r} has no KPI values yet: there is nothing to assess.")
    if period[1] < known[0] or period[0] > known[1]:
        raise AssessmentError(f"The site {site!r} has no data in the period; its days are {known[0]} to {known[1]}.")


def _open(connection: Connection, assessment_id: int) -> Kept:
    kept = read(connection, assessment_id, lock=True)
    if kept.stored.origin != "local":
        raise SettledAssessmentError(f"Assessment {assessment_id} was imported: it is judged where it was made.")
    if kept.status == "final":
        raise SettledAssessmentError(f"Assessment {assessment_id} is final; a new one of the period supersedes it.")
    if kept.status == "superseded":
        raise SettledAssessmentError(f"Assessment {assessment_id} is superseded by {kept.stored.superseded_by}.")
    return kept


def _invited(connection: Connection, assessment_id: int, account_id: int) -> Kept:
    """Say who may not before saying what state it is in."""
    kept = read(connection, assessment_id)
    if account_id not in [each["account_id"] for each in kept.invited]:
        raise NotInvitedError(f"This account is not invited to assessment {assessment_id}.")
    return _open(connection, assessment_id)


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


def _opened(kept: Kept) -> dict[str, Any]:
    stored = kept.stored
    levels = {
        each["key"]: {"supported": each["supported"], "claimed": each["claimed"]}
        for each in (*stored.result["principles"], *stored.result["areas"])
    }
    return {
        "framework_version": stored.framework_version,
        "catalogue_digest": stored.catalogue_digest,
        "result_digest": digest(stored.result),
        "outcomes": {name: each.value for name, each in kept.outcomes.items()},
        "levels": levels,
        "opened_at": instant(stored.created_at),
        "code": code_version(),
    }


def _enter(connection: Connection, kept: Kept, kind: str, content: Mapping[str, Any], *about: str) -> None:
    stored = kept.stored
    first, last = stored.first_day.isoformat(), stored.last_day.isoformat()
    where = {"framework": stored.framework, "first": first, "last": last, "number": stored.number}
    name = canonical_object(kind, stored.framework, first, last, str(stored.number), *about)
    whole = {"kind": kind, "version": 1, "site": stored.site, "assessment": where, **content}
    EvidenceLog(connection).append([entry(Record(kind, name, whole), stored.site_id)])


def _audit(
    connection: Connection, account_id: int | None, action: str, kept: Kept, detail: Mapping[str, Any] | None = None
) -> None:
    said = {"assessment": kept.stored.assessment_id, **(detail or {})}
    access.record_audit(connection, account_id, action, kept.stored.site, said)


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
