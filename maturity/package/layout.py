"""What lies where in a package, and the columns of its tables. Times are int64 µs UTC."""

from datetime import date

import polars as pl

from kpi.frames import ANNOTATIONS, EVENTS, RECORDS, SYMBOLS

FORMAT = "haidang-evidence-package"
FORMAT_VERSION = 1

MANIFEST = "manifest.json"
STATEMENT = "statement.dsse.json"
README = "README.txt"
CRATE = "ro-crate-metadata.json"
BEFORE = "raw/readings/before.parquet"
AFTER = "raw/readings/after.parquet"
SERIES_FILE = "raw/series.parquet"
CARRY = "raw/carry.json"
VALUES_FILE = "kpi/values.parquet"
LOG_RECORDS = "log/records.jsonl"
LOG_PROOF = "log/proof.json"
LOG_CHECKPOINT = "log/checkpoint.note"

READINGS = pl.Schema({"series_key": pl.String, "ts": pl.Int64, "value": pl.Float64, "quality": pl.Int16})
SERIES = pl.Schema({"series_id": pl.Int32, "series_key": pl.String, "asset": pl.String, "name": pl.String})
RAW_TABLES = {"symbols": SYMBOLS, "events": EVENTS, "annotations": ANNOTATIONS, "records": RECORDS}
VALUES = pl.Schema(
    {
        **dict.fromkeys(("scope", "grain", "product", "job", "shift", "kpi", "variant"), pl.String()),
        "window_start": pl.Int64(),
        "window_end": pl.Int64(),
        "production_day": pl.Date(),
        **dict.fromkeys(("value", "numerator", "denominator", "coverage", "completeness"), pl.Float64()),
        "status": pl.String(),
        "flags": pl.List(pl.String()),
        "definition_version": pl.Int32(),
        "factor_set": pl.String(),
        "config_digest": pl.String(),
        "inputs_digest": pl.String(),
        "revision": pl.Int32(),
        "cause": pl.List(pl.String()),
        "computed_us": pl.Int64(),
    }
)
# What names a value; the rest of its columns is what is said of it.
VALUE_KEY = ("scope", "grain", "production_day", "window_start", "shift", "job", "product", "kpi", "variant")


def readings_of(day: date) -> str:
    """Member with the readings of a production day."""
    return f"raw/readings/{day.isoformat()}.parquet"


def margin_of(day: date) -> str:
    """Member with what computed days read of the rows of days that never were, the first of which is this."""
    return f"raw/readings/{day.isoformat()}.margin.parquet"


def raw_table(name: str) -> str:
    """Member with symbols, events, annotations or records."""
    return f"raw/{name}.parquet"


def config(digest: str) -> str:
    """Member with the registry that has this digest."""
    return f"config/{digest}.json"


def criteria(framework: str) -> str:
    """Member with the assessment against a framework."""
    return f"criteria/{framework}.json"


def catalogue(framework: str) -> str:
    """Member with the framework itself."""
    return f"criteria/{framework}.catalogue.json"


def report(framework: str, language: str, form: str) -> str:
    """Member with the report of an assessment for people."""
    return f"report/{framework}.{language}.{form}"


def facts(name: str) -> str:
    """Member with a table that metrics read."""
    return f"criteria/facts/{name}.parquet"


FACTS_ABOUT = "criteria/facts/about.json"
