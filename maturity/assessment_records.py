"""What enters the evidence log of an assessment: that it was opened with what result, each decision, the end.

Names of persons and words of comments stay in the database: the log, in which nothing is ever erased, has digests of
them.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from maturity.entering import canonical_object, code_version, instant
from maturity.kept import Kept
from maturity.log import EvidenceLog, Record, entry
from model.canonical import digest
from store.pool import Connection

OPENED, DECIDED, FINAL = "assessment", "assessor_decision", "assessment_final"


def enter(connection: Connection, kept: Kept, kind: str, content: Mapping[str, Any], *about: str) -> None:
    """Append a record; it is named by framework, period and number of the assessment, and by what it is about."""
    stored = kept.stored
    first, last = stored.first_day.isoformat(), stored.last_day.isoformat()
    where = {"framework": stored.framework, "first": first, "last": last, "number": stored.number}
    name = canonical_object(kind, stored.framework, first, last, str(stored.number), *about)
    whole = {"kind": kind, "version": 1, "site": stored.site, "assessment": where, **content}
    EvidenceLog(connection).append([entry(Record(kind, name, whole), stored.site_id)])


def opened(kept: Kept) -> dict[str, Any]:
    """What the data said: outcomes and levels, with the digests of the catalogue and of the whole result."""
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


def decided(row: Mapping[str, Any], attachment: str | None, at: datetime) -> dict[str, Any]:
    """A decision, from its row."""
    return {
        "criterion": row["criterion"],
        "decision": row["decision"],
        "comment_sha256": hashlib.sha256(row["comment"].encode()).hexdigest(),
        "attachment": attachment,
        "account": row["account_id"],
        "at": instant(at),
    }


def final(kept: Kept, account_id: int, at: datetime) -> dict[str, Any]:
    """The end: the decisions that count, and the levels that they confirm."""
    return {
        "decisions": {name: each.value for name, each in kept.rulings.items()},
        "confirmed": {key: stand.level for key, stand in kept.confirmed.items()},
        "account": account_id,
        "at": instant(at),
    }
