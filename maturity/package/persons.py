"""Keeps what may name people out of packages: fields of free payloads that are meant for persons."""

import json
from typing import Any

import polars as pl

from model.canonical import canonical_json

PERSONAL = frozenset(
    {
        *("operator", "person", "people", "employee", "worker", "user", "author", "responsible", "owner", "contact"),
        *("by_name", "first_name", "last_name", "full_name", "email", "phone", "badge", "note", "comment", "remark"),
    }
)


def without_persons(frame: pl.DataFrame, column: str = "payload") -> pl.DataFrame:
    """Take the fields of persons, and free texts, out of a JSON column."""
    cleaned = [None if text is None else _cleaned(text) for text in frame[column]]
    return frame.with_columns(pl.Series(column, cleaned, pl.String))


def _cleaned(text: str) -> str:
    try:
        said = json.loads(text)
    except ValueError:
        return "{}"
    kept = _without(said)
    return text if kept == said else canonical_json(kept).decode()


def _without(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _without(value) for name, value in said.items() if not is_personal(name)}
    if isinstance(said, list):
        return [_without(each) for each in said]
    return said


def is_personal(name: str) -> bool:
    """Whether a field is one of a person: `operator`, `operator_name`, `operatorId`, ..."""
    plain = name.lower().replace("-", "_")
    return plain in PERSONAL or plain.startswith(("operator", "employee", "person", "worker", "user"))
