"""What a report needs from the database: the kept assessment with its decisions, and the key figures of the period."""

from dataclasses import replace
from datetime import UTC, date, datetime

from kpi.stored_eras import registry_of_day
from maturity import facts
from maturity.assessing import Assessment
from maturity.confirming import Decision
from maturity.facts import Facts
from maturity.kept import Kept
from maturity.report.again import assessment_of
from maturity.report.overview import KPIS, Overview, overview
from maturity.report.review import Review, Said
from maturity.workflow import read
from store import assessments, registry
from store import maturity as rows
from store.pool import Connection

_FRAMES = {"values": facts.VALUES, "intervals": facts.INTERVALS, "quality": facts.QUALITY}


def read_kept(
    connection: Connection, site: str, framework: str, period: tuple[date, date]
) -> tuple[Assessment, Review] | None:
    """The newest kept assessment of a period with what assessors decided on it; null where none is kept."""
    found = assessments.newest_of_period(connection, registry.site_id(connection, site), framework, period)
    if found is None:
        return None
    kept = read(connection, found[0])
    return assessment_of(kept.stored.result, kept.framework), review_of(kept)


def review_of(kept: Kept) -> Review:
    """The decisions that count, without the names of those who made them."""
    said = {
        name: Said(Decision(each.decision), each.comment, each.attachment) for name, each in sorted(kept.newest.items())
    }
    return Review(said, is_final=kept.status == "final")


def read_overview(connection: Connection, site: str, period: tuple[date, date]) -> Overview:
    """Key figures and data coverage of a period."""
    site_id = registry.site_id(connection, site)
    snapshot = registry_of_day(connection, site, period[1])
    bare = Facts(site=snapshot, first=period[0], last=period[1])
    low, high = (datetime.fromtimestamp(each / 1e6, UTC) for each in bare.bounds_us)
    parameters = rows.between(site_id, period, (low, high), kpis=sorted(KPIS), site=site)
    frames = {name: rows.frame(connection, name, parameters, schema) for name, schema in _FRAMES.items()}
    values, intervals, quality = (frames[name] for name in _FRAMES)
    return overview(replace(bare, values=values, intervals=intervals, quality=quality), *period)
