"""Reads catalogue files: those of the product by key, those of others by path; every mistake with its place."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from maturity.errors import CatalogueError
from maturity.explaining import Lines, Mistake, explained, names_of
from maturity.framework import Framework
from model.shipped import shipped_yaml

MOST_BYTES = 2_000_000


class _Loader(yaml.SafeLoader):
    """YAML without aliases (a small file cannot become a large one) and without keys that come twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="a catalogue has no aliases (*name): write it out", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            problem = f"{', '.join(twice)} comes twice: keep one"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)


def shipped() -> tuple[str, ...]:
    """Keys of the catalogues that come with the product."""
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in _folder() if entry.name.endswith(".yaml")))


def framework(name: str) -> Framework:
    """Load a catalogue by its key, or from a file when the name ends in .yaml.

    Raises:
        CatalogueError: there is none of that name, or it has mistakes; the first one is named.
    """
    return _read(Path(name)) if name.endswith((".yaml", ".yml")) else _shipped(name)


def read(path: Path) -> tuple[Framework | None, list[Mistake]]:
    """Read a catalogue file: the catalogue, or every mistake of its form."""
    try:
        plain, lines = _plain(path)
    except CatalogueError as error:
        return None, [Mistake(str(path), str(error))]
    try:
        return Framework.model_validate(plain), []
    except ValidationError as error:
        return None, explained(error, plain, lines)


def with_lines(path: Path, mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Add the line of the part that each mistake speaks of, where the file has it."""
    plain, lines = _plain(path)
    places = dict(names_of(plain))
    return [Mistake(each.where, each.what, lines.get(places.get(each.where, ()))) for each in mistakes]


@cache
def _shipped(key: str) -> Framework:
    if key not in shipped():
        raise CatalogueError(
            f"There is no catalogue {key!r}; shipped are {', '.join(shipped())}, and any FILE.yaml can be named."
        )
    found = next(entry for entry in _folder() if entry.name == f"{key}.yaml")
    return Framework.model_validate(shipped_yaml(found.read_text("utf-8")))


def _read(path: Path) -> Framework:
    found, mistakes = read(path)
    if found is None:
        more = f" ({len(mistakes) - 1} more: `haidang maturity lint {path}`)" if len(mistakes) > 1 else ""
        raise CatalogueError(f"{path} is no catalogue: {mistakes[0]}{more}")
    return found


def _plain(path: Path) -> tuple[Any, Lines]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CatalogueError(f"it cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise CatalogueError(f"it is larger than {MOST_BYTES:,} bytes: a catalogue is a list of criteria, not of data")
    try:
        return _parsed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CatalogueError(f"line {line} is not UTF-8: save the file in that encoding") from error


def _parsed(text: str) -> tuple[Any, Lines]:
    """The file as plain data, and the line of each of its parts."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return (loader.construct_document(node), dict(_lines(node, ()))) if node else (None, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise CatalogueError(f"it is no YAML: {place}{error.problem}") from error
    except yaml.reader.ReaderError as error:
        raise CatalogueError(f"it is no YAML: character {error.position + 1} is not allowed in a text") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CatalogueError(f"it is no YAML: {str(error) or 'it is nested too deeply'}") from error


def _lines(node: yaml.Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            inside = _lines(value, (*path, key.value))
            next(inside)  # the line of the name was given already
            yield from inside
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*path, number))


def _folder() -> Iterator[Any]:
    return (files("maturity") / "catalogues").iterdir()
