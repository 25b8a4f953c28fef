"""Describes a package as an RO-Crate (1.1), so that archives and other tools understand what lies in it."""

from collections.abc import Sequence
from typing import Any

from maturity.package import layout
from maturity.package.content import Manifest
from model.canonical import canonical_json

_PROFILE = "https://w3id.org/ro/crate/1.1"
_FORMATS = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
    "txt": "text/plain",
    "note": "text/plain",
    "pdf": "application/pdf",
    "html": "text/html",
}
_MEANINGS = (
    ("raw/readings/", "Readings of a production day: series_key, ts (µs since 1970 UTC), value, quality"),
    ("raw/", "Raw input of the KPI computation"),
    ("config/", "Registry of the site in force, named by its SHA-256"),
    ("kpi/", "Final KPI values"),
    ("criteria/facts/", "Table that criteria are evaluated on"),
    ("criteria/", "Assessment against a maturity framework, or that framework"),
    ("report/", "Report of an assessment for people, in Vietnamese or English"),
    ("log/", "Part of the evidence log: records, Merkle proof (RFC 9162), signed checkpoint"),
)
_TERMS, _SITE = "#terms", "#site"


def crate(manifest: Manifest, names: Sequence[str]) -> bytes:
    """Write the metadata.

    Args:
        manifest: what the package is of.
        names: members besides this description and the signature, which signs it.
    """
    described = [*names, layout.STATEMENT]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Evidence package of {manifest.site}, {manifest.first} to {manifest.last}",
        "description": "Raw readings, registry, KPI values and maturity criteria of a site, with proofs that allow "
        "anybody to compute them again.",
        "datePublished": manifest.last.isoformat(),
        "temporalCoverage": f"{manifest.first}/{manifest.last}",
        "license": {"@id": _TERMS},
        "author": {"@id": _SITE},
        "publisher": {"@id": _SITE},
        "hasPart": [{"@id": name} for name in described],
    }
    descriptor = {
        "@id": layout.CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": _PROFILE},
        "about": {"@id": "./"},
    }
    terms = {
        "@id": _TERMS,
        "@type": "CreativeWork",
        "name": "Terms of the site",
        "description": "The data belong to the site; whoever was given this package may check it, all else as agreed.",
    }
    site = {"@id": _SITE, "@type": "Organization", "name": manifest.site}
    graph = [descriptor, root, terms, site, *(_file(name) for name in described)]
    return canonical_json({"@context": f"{_PROFILE}/context", "@graph": graph})


def _file(name: str) -> dict[str, Any]:
    meaning = next((text for start, text in _MEANINGS if name.startswith(start)), "About the package")
    kind = _FORMATS[name.rsplit(".", 1)[-1]]
    return {"@id": name, "@type": "File", "name": name, "description": meaning, "encodingFormat": kind}
