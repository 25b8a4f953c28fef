"""Keeps what may name people out of packages: of free payloads only what the product reads stays.

Numbers, times and yes-or-no stay, unless their field is one of a person. Texts stay only in fields that the product
reads as texts: keys of machines, jobs and products, and what `model.record_sets` states; every other text is taken out.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from model.canonical import canonical_json
from model.record_fields import Kind
from model.record_sets import RECORD_SETS

PERSONAL = frozenset(
    {
        *("operator", "person", "people", "employee", "worker", "user", "author", "responsible", "owner", "contact"),
        *("by_name", "first_name", "last_name", "full_name", "email", "phone", "badge", "note", "comment", "remark"),
    }
)
_FIELDS = [field for each in RECORD_SETS.values() for field in each.fields]
_SENTENCES = frozenset({"rule"})  # of record sets, which nothing reads: whom to call may stand in them
# Texts that computation and metrics read besides those of record sets: keys, and what measured samples belong to.
READ_TEXTS = (
    frozenset(
        {
            *("asset", "job", "product", "tool", "reason", "order", "characteristic", "run", "subgroup"),
            *(field.name for field in _FIELDS if field.kind is Kind.TEXT),
        }
    )
    - _SENTENCES
)
CHOICES = {
    name: {choice for field in _FIELDS if field.name == name for choice in field.choices}
    for name in {field.name for field in _FIELDS if field.choices}
}
# A number or an instant that was written as a text.
_PLAIN = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
_YES_OR_NO = frozenset({"yes", "no", "true", "false", ""})
_FIELD_NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,39}")
_FILE_NAME = r"(?i)\.(csv|txt|tsv|xlsx?)$"
_OF_PEOPLE = "attendance"


def without_persons(frame: pl.DataFrame, column: str = "payload") -> pl.DataFrame:
    """Take the fields of persons, and free texts, out of a JSON column."""
    cleaned = [None if text is None else _cleaned(text) for text in frame[column]]
    return frame.with_columns(pl.Series(column, cleaned, pl.String))


def records_without_persons(frame: pl.DataFrame) -> pl.DataFrame:
    """Do so for business records; files that are named as their source, and keys of working times, become numbers."""
    frame = without_persons(frame)
    ranks = {key: rank for rank, key in enumerate(sorted(frame.filter(pl.col("kind") == _OF_PEOPLE)["key"].unique()))}
    numbered = pl.col("key").replace_strict({key: f"{rank:09}" for key, rank in ranks.items()}, default=pl.col("key"))
    if ranks:
        frame = frame.with_columns(pl.when(pl.col("kind") == _OF_PEOPLE).then(numbered).otherwise("key").alias("key"))
    if "source" in frame.columns:
        is_file = pl.col("source").str.contains(_FILE_NAME)
        frame = frame.with_columns(pl.when(is_file).then(pl.lit("table.csv")).otherwise("source").alias("source"))
    return frame


def is_personal(name: str) -> bool:
    """Whether a field is one of a person: `operator`, `operator_name`, `operatorId`, ..."""
    plain = name.lower().replace("-", "_")
    return plain in PERSONAL or plain.startswith(("operator", "employee", "person", "worker", "user"))


def _cleaned(text: str) -> str:
    try:
        said = json.loads(text)
    except ValueError:
        return "{}"
    kept = dict(_kept(said)) if isinstance(said, dict) else {}
    return text if kept == said else canonical_json(kept).decode()


def _kept(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in said.items():
        if is_personal(name) or not _FIELD_NAME.fullmatch(name):
            continue
        if isinstance(value, dict):
            yield name, dict(_kept(value))
        elif isinstance(value, list):
            yield name, [each for each in value if not isinstance(each, dict | list) and _may_stay(name, each)]
        elif _may_stay(name, value):
            yield name, value


def _may_stay(name: str, value: Any) -> bool:
    """Whether a plain value may be packed."""
    if not isinstance(value, str):
        return True
    if name in CHOICES and name not in READ_TEXTS:
        return value in CHOICES[name]
    return name in READ_TEXTS or value.lower() in _YES_OR_NO or _PLAIN.fullmatch(value) is not None
