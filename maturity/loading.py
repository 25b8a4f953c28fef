"""Reads catalogue files: those of the product by key, those of others by path; every mistake with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from maturity.errors import CatalogueError
from maturity.framework import Framework

MOST_BYTES = 2_000_000
MOST_MISTAKES = 200


@dataclass(frozen=True)
class Mistake:
    """A mistake in a catalogue: where it stands and what to do about it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class _Loader(yaml.SafeLoader):
    """YAML without aliases (a small file cannot become a large one) and without keys that come twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("a catalogue has no aliases (*name)")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(twice)} comes twice", node.start_mark)
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
        return Framework.model_validate(_plain(path)), []
    except ValidationError as error:
        return None, list(_mistakes(error))[:MOST_MISTAKES]
    except CatalogueError as error:
        return None, [Mistake(str(path), str(error))]


@cache
def _shipped(key: str) -> Framework:
    if key not in shipped():
        raise CatalogueError(
            f"There is no catalogue {key!r}; shipped are {', '.join(shipped())}, and any FILE.yaml can be named."
        )
    found = next(entry for entry in _folder() if entry.name == f"{key}.yaml")
    return Framework.model_validate(_parsed(found.read_text("utf-8"), key))


def _read(path: Path) -> Framework:
    found, mistakes = read(path)
    if found is None:
        more = f" ({len(mistakes) - 1} more: `haidang maturity lint {path}`)" if len(mistakes) > 1 else ""
        raise CatalogueError(f"{path} is no catalogue: {mistakes[0]}{more}")
    return found


def _plain(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CatalogueError(f"it cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise CatalogueError(f"it is larger than {MOST_BYTES:,} bytes")
    try:
        return _parsed(data.decode(), str(path))
    except UnicodeDecodeError as error:
        raise CatalogueError("it is not UTF-8") from error


def _parsed(text: str, name: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader with fewer features
    except (yaml.YAMLError, RecursionError) as error:
        raise CatalogueError(f"{name} is no YAML: {str(error) or 'it is nested too deeply'}") from error


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    for each in error.errors(include_url=False):
        where = ".".join(str(part) for part in each["loc"]) or "the file"
        yield Mistake(where, each["msg"])


def _folder() -> Iterator[Any]:
    return (files("maturity") / "catalogues").iterdir()
