"""Paths into JSON: `$.a.b[0]` or `$['a b']` in a record, `$$.a` in the whole payload, else the name of one member."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ingest.decode.result import shown

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_PLAIN = re.compile(r"[^.\[\]' ]+")
MOST_DEPTH = 16


class FieldError(ValueError):
    """A field of a record cannot be used; the text says why."""


@lru_cache(1024)
def steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path; a text without `$` is the name of one member, dots and all."""
    if not path.startswith("$"):
        return (path,)
    found: list[str | int] = []
    end = 2 if path.startswith("$$") else 1
    for match in _STEP.finditer(path):
        if match.start() != end:
            break
        found.append(int(match[2]) if match[2] else match[1] or match[3])
        end = match.end()
    if end != len(path):
        raise FieldError(f"path {shown(path)} is not of the form $.a.b[0]")
    return tuple(found)


def get(record: Any, path: str, root: Any = None) -> Any:
    """The value at a path, None where there is nothing; `root` is the whole payload."""
    if path.startswith("$$"):
        record = root
    for step in steps(path):
        try:
            record = record[step]
        except (KeyError, IndexError, TypeError):
            return None
    return record


def leaves(record: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str, Any]]:
    """Single values of an object and of the objects in it: dotted name, path, value."""
    for name, value in record.items():
        names = (*above, name)
        if isinstance(value, dict) and len(names) < MOST_DEPTH:
            yield from leaves(value, names)
        elif not isinstance(value, dict | list):
            yield ".".join(names), path_of(names) if above else name, value


def lists_in(record: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, list[Any]]]:
    """Lists of an object and of the objects in it, with their paths."""
    for name, value in record.items():
        names = (*above, name)
        if isinstance(value, list):
            yield path_of(names), value
        elif isinstance(value, dict) and len(names) < MOST_DEPTH:
            yield from lists_in(value, names)


def path_of(names: tuple[str, ...]) -> str:
    """The path that leads through members of these names."""
    return "$" + "".join(f".{name}" if _PLAIN.fullmatch(name) else f"['{name}']" for name in names)
