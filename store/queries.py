"""Named SQL: `load("raw")` reads `store/sql/queries/raw.sql` into a dict from name to statement."""

# mypy reads LiteralString as str; psycopg asks for it so that nobody builds SQL from input.
import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_BLOCK = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


def parse(text: str) -> dict[str, LiteralString]:
    """Split a file of `-- name: x` blocks; a name may come once only."""
    parts = _BLOCK.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a query name comes twice: {sorted(names)}")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


@cache
def load(module: str) -> dict[str, LiteralString]:
    """All statements of one file, read once."""
    return parse((files("store") / "sql" / "queries" / f"{module}.sql").read_text("utf-8"))
