"""Lists of a site file that are kept as CSV tables (moulds, products): expanded before the file is checked."""

import csv
from pathlib import Path
from typing import Any


def expand_tables(document: Any, folder: Path) -> Any:
    """Replace each top-level `{csv: FILE, columns: {field: COLUMN}, constants: {...}}` by its list of rows.

    Rows whose mapped cells are all empty are left out, and so are single empty cells: the field then has its default.
    """
    if not isinstance(document, dict):
        return document
    return {key: _read(value, folder) if _is_table(value) else value for key, value in document.items()}


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and "csv" in value and "columns" in value


def _read(table: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    with (folder / table["csv"]).open(newline="", encoding="utf-8") as lines:
        rows = [_fields(row, table["columns"]) for row in csv.DictReader(lines)]
    return [{**table.get("constants", {}), **row} for row in rows if row]


def _fields(row: dict[str, str], columns: dict[str, str]) -> dict[str, str]:
    return {field: row[column].strip() for field, column in columns.items() if (row.get(column) or "").strip()}
