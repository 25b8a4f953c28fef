"""The page docs/record-sets.md: kinds of business records, their columns, and the criteria's metrics that read them."""

from collections.abc import Iterator

from maturity.metrics import METRICS
from model.record_fields import RecordSet
from model.record_sets import RECORD_SETS

_HEAD = """# Record sets

What telemetry cannot know comes as records of other systems: CSV files (or `POST /v1/records`), one kind each.
This page is made by `haidang records kinds --markdown`; a test keeps it current.

    haidang records import orders.csv --site S --kind order --source ERP

Every table has the columns `key` (names the record; the same key again replaces what was said, the earlier
statement is kept), `asset` (path of a registered asset, empty = the site), `from` and `to` (RFC 3339, without an
offset local wall times; empty `to` = still open). A cell that does not hold what its column states refuses its
row with the reason, all others are taken; columns that are not listed are kept and not read. `--source` names the
system; without it the file's name stands there, which `data.joined_systems` does not count as a system. Name no
people: who did something is `system` or `person`.

A window is judged as of its end: what ends later is open, and an open record counts against a site only once it is
overdue. Days are computed again only for kinds that KPIs are made of.
"""


def page() -> str:
    """Give the page as Markdown."""
    return "\n".join([_HEAD, *(line for each in RECORD_SETS.values() for line in _section(each))])


def _section(each: RecordSet) -> Iterator[str]:
    yield from (f"## {each.kind}", "", f"{each.what}. What counts for {each.counted}.", "")
    if each.fields:
        yield from ("| column | holds | is |", "|---|---|---|")
        for field in each.fields:
            name = f"`{field.name}`" + (" (required)" if field.required else "")
            yield f"| {name} | {field.shown_kind} | {field.what} |"
        yield ""
    metrics = [f"`{name}`" for name in sorted(METRICS) if each.kind in METRICS[name].requires]
    if metrics:
        yield from (f"Read by {', '.join(metrics)}.", "")
