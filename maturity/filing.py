"""Whether records of the log stand under the kind, object and site that they name themselves. Pure.

The hashes cover the text of a record only; what it is filed under decides where it is looked for.
"""

import msgspec

from maturity import rotation
from maturity.entering import KPI_KIND, RAW_KIND, canonical_object


class _Assessment(msgspec.Struct):
    """Which assessment a record is about."""

    framework: str = ""
    first: str = ""
    last: str = ""
    number: int = 0


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
    key: str = ""
    criterion: str = ""
    assessment: _Assessment | None = None


_DECODER = msgspec.json.Decoder(_Named)


def is_filed_rightly(record: str, kind: str, object_: str, site: str | None) -> bool:
    """Tell whether a record's text says the same kind, object and site."""
    try:
        said = _DECODER.decode(record)
    except (msgspec.DecodeError, RecursionError):
        return False
    return (said.kind, said.site, _object_of(said)) == (kind, site, object_)


def _object_of(said: _Named) -> str:
    if said.kind == KPI_KIND:
        return canonical_object(KPI_KIND, said.scope, said.grain, said.start, said.shift, said.job, said.product)
    if said.kind == RAW_KIND:
        return canonical_object(RAW_KIND, said.production_day)
    if said.assessment:
        of = said.assessment
        about = (said.criterion,) if said.criterion else ()
        return canonical_object(said.kind, of.framework, of.first, of.last, str(of.number), *about)
    return f"{said.kind}{'/' if said.kind == rotation.KIND else '|'}{said.key}"
