"""The loader of named SQL."""

from importlib.resources import files

import pytest

from store.queries import load, parse


def test_blocks_become_statements_by_name() -> None:
    text = "-- head\n-- name: one\n-- why\nSELECT 1\n\n-- name: two\nSELECT %(x)s\n"
    assert parse(text) == {"one": "-- why\nSELECT 1", "two": "SELECT %(x)s"}


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="comes twice"):
        parse("-- name: a\nSELECT 1\n-- name: a\nSELECT 2")


@pytest.mark.parametrize("name", sorted(f.name for f in (files("store") / "sql" / "queries").iterdir()))
def test_every_statement_begins_with_a_line_of_purpose(name: str) -> None:
    statements = load(name.removesuffix(".sql"))
    assert statements
    assert [key for key, text in statements.items() if not text.startswith("-- ")] == []
