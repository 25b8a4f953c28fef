"""The text in a package that tells a stranger what it is and how to check it."""

from maturity.notes import PublicKey
from maturity.package.content import Manifest

_TEXT = """Evidence package of {site}, production days {first} to {last}
made by {code}

What is in it
  manifest.json          what the package is of
  config/                the registry (machines, shifts, prices, factors) by its SHA-256
  raw/                   readings per production day, events, corrections, business records
  kpi/values.parquet     every final KPI value of the period
  criteria/              assessments against frameworks, and the tables that they rest on
  report/                the assessments for people: PDF and HTML, Vietnamese and English
  log/                   records of the factory's evidence log, and the proof that they are in it
  ro-crate-metadata.json description for archives (RO-Crate)
  statement.dsse.json    digest of every member, signed by the factory's key (in-toto statement, DSSE)

How to check it
  haidang evidence verify FILE.zip --key KEY
checks everything and computes every KPI and criterion again, without a database and without a network. Take KEY from
somebody you trust, not from this file. By hand, with standard tools:
  unzip FILE.zip -d package && cd package
  python3 -c 'import json,base64; print(base64.b64decode(json.load(open("statement.dsse.json"))["payload"]).decode())'
lists the SHA-256 of every member; `sha256sum` computes them. docs/verify-by-hand.md of the project has the whole way:
signature, log, raw rows, events and corrections, a KPI.

The key that signed this package says that it is
  {key}

What it proves: the values are what this software makes of these readings, events, corrections and business records,
these are those that were digested when the day was closed, and nothing was changed since the log was signed and
witnessed. It does not prove that the sensors told the truth.
"""


def readme(manifest: Manifest, key: PublicKey) -> bytes:
    """Write the text."""
    said = {"site": manifest.site, "first": manifest.first, "last": manifest.last, "code": manifest.code}
    return _TEXT.format(**said, key=key).encode()
