"""Whether records of the log stand under the kind, object and site that they name themselves.

The hashes cover the text of a record only; what it is filed under decides where it is looked for. In: rows on their
way to an audit. Out: the same rows, and a sentence for each that is filed wrongly.
"""

from collections.abc import Iterable, Iterator

import msgspec

from maturity.entering import KPI_KIND, RAW_KIND, canonical_object

MOST_FINDINGS = 100


class _Named(msgspec.Struct):
    """What a record says of itself; a KPI record says where and when."""

    kind: str = ""
    site: str | None = None
    scope: str = ""
    grain: str = ""
    production_day: str = ""
    start: str = msgspec.field(default="", name="from")
    shift: str = ""
    job: str = ""
    product: str = ""


_DECODER = msgspec.json.Decoder(_Named)
Entry = tuple[int, bytes, str, str, str, str | None]


class Filing:
    """Watches rows go by; `findings` says what was filed wrongly."""

    def __init__(self) -> None:
        self.findings: list[str] = []

    def watch(self, entries: Iterable[Entry]) -> Iterator[tuple[int, bytes, str]]:
        """Pass on place, leaf hash and record of rows that also say kind, object and site."""
        for place, leaf, record, kind, object_, site in entries:
            if len(self.findings) < MOST_FINDINGS and not _is_right(record, kind, object_, site):
                self.findings.append(
                    f"Record {place} was moved: it is filed as {object_!r} ({kind}) of {site or 'no site'}, "
                    "which is not what its text says."
                )
            yield place, leaf, record


def _is_right(record: str, kind: str, object_: str, site: str | None) -> bool:
    try:
        said = _DECODER.decode(record)
    except msgspec.DecodeError:
        return False
    return (said.kind, said.site) == (kind, site) and _is_about(said, object_)


def _is_about(said: _Named, object_: str) -> bool:
    if said.kind == KPI_KIND:
        where = (said.scope, said.grain, said.start, said.shift, said.job, said.product)
        return object_ == canonical_object(KPI_KIND, *where)
    if said.kind == RAW_KIND:
        return object_ == canonical_object(RAW_KIND, said.production_day)
    return object_.startswith((f"{said.kind}|", f"{said.kind}/"))
