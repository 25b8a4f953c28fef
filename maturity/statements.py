"""What a site says of itself: claimed levels, and what it declares where no data can show it; with who said so."""

import math
from dataclasses import dataclass
from datetime import date

from maturity.errors import AssessmentError
from maturity.evaluate import metric_of
from maturity.framework import Framework
from store import access, registry
from store import maturity as rows
from store.pool import Connection

DECLARED = "declared."
MOST_STATEMENT = 5000


@dataclass(frozen=True)
class Said:
    """A declaration; `attachment` is the SHA-256 of a file that the site has, hexadecimal."""

    metric: str
    value: float
    statement: str
    since: date
    attachment: str | None = None


def claim(  # noqa: PLR0913 - what a claim is of, and who makes it
    connection: Connection, framework: Framework, site: str, key: str, level: int, *, account_id: int | None = None
) -> None:
    """Keep the level that a site claims of an area or principle, or 1 = has it, of a technology group.

    Raises:
        AssessmentError: the framework has no such part, or no such level.
    """
    parts = (framework.principles, framework.areas, framework.technology_groups)
    known = [str(each.key) for part in parts for each in part]
    if key not in known:
        raise AssessmentError(f"{framework.key} has no {key!r}; choose one of {', '.join(known)}.")
    top = max(each.level for each in framework.levels)
    if not 0 <= level <= top:
        raise AssessmentError(f"{framework.key} has levels up to {top}, not {level}.")
    with connection.transaction():
        rows.claim(
            connection, registry.site_id(connection, site), framework.key, key, level, account_id=account_id
        )  # fmt: skip
        detail = {"framework": framework.key, "key": key, "level": level}
        access.record_audit(connection, account_id, "maturity.claim", site, detail)


def declare(connection: Connection, site: str, said: Said, *, account_id: int | None = None) -> None:
    """Keep a declaration; an earlier one stays readable.

    Raises:
        UnknownMetricError: there is no such metric.
        AssessmentError: it is measured, not declared; there is no such file; a value or sentence is missing.
    """
    metric = metric_of(said.metric)
    name = metric.name
    if not name.startswith(DECLARED):
        raise AssessmentError(
            f"{name} is measured, not declared; `haidang maturity metrics declared.` lists what can be."
        )
    if not math.isfinite(said.value) or not 0 < len(said.statement.strip()) <= MOST_STATEMENT:
        raise AssessmentError(f"A declaration has a number and a sentence of at most {MOST_STATEMENT:,} characters.")
    if said.value < 0 or (metric.is_share and said.value > 1):
        most = "from 0 to 1: 60 % is 0.6" if metric.is_share else "from 0 on"
        raise AssessmentError(f"{name} is a number {most}, not {said.value:g}.")
    with connection.transaction():
        site_id = registry.site_id(connection, site)
        file = rows.attachment_id(connection, site_id, said.attachment) if said.attachment else None
        if said.attachment and file is None:
            raise AssessmentError(f"The site {site!r} has no attachment {said.attachment}: upload it first.")
        row = rows.Declaration(name.removeprefix(DECLARED), said.value, said.statement, said.attachment)
        rows.declare(connection, site_id, row, said.since, file, account_id=account_id)
        detail = {"metric": name, "value": said.value, "attachment": said.attachment}
        access.record_audit(connection, account_id, "maturity.declare", site, detail)


def attach(connection: Connection, site: str, file_name: str, content: bytes, *, account_id: int | None = None) -> str:
    """Keep a file of a site, once per content, and return its SHA-256 in hexadecimal.

    Raises:
        AssessmentError: the name is none, or the file is empty.
    """
    if not 0 < len(file_name) <= 200 or not file_name.isprintable() or "/" in file_name or "\\" in file_name:
        raise AssessmentError("A file has a name of at most 200 printable characters, without folders.")
    if not content:
        raise AssessmentError("The file is empty.")
    with connection.transaction():
        site_id = registry.site_id(connection, site)
        _, sha256 = rows.attach(connection, site_id, file_name, content, account_id)
        detail = {"sha256": sha256, "bytes": len(content)}
        access.record_audit(connection, account_id, "attachment.add", site, detail)
    return sha256
