"""Mapping files on disk: paths in, checked mappings out; a wrong file is refused with file, place and reason."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from ingest.errors import MappingError
from ingest.mapping.document import Mapping


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: says file, place and what is wrong.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"The mapping {path} cannot be read: {error}") from error
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise MappingError("\n".join([f"The mapping {path} is not usable:", *lines])) from error


def load_all(paths: list[Path]) -> list[Mapping]:
    """Read mapping files and every `mapping*.yaml` below folders.

    Raises:
        MappingError: one is not usable, or a folder has none.
    """
    return [mapping for _, mapping in load_named(paths)]


def load_named(paths: Sequence[Path]) -> list[tuple[str, Mapping]]:
    """The same, each mapping with the name of its file.

    Raises:
        MappingError: as above.
    """
    return [(str(file), load(file)) for path in paths for file in _some(path)]


def _some(path: Path) -> list[Path]:
    """The mapping files of a path, at least one."""
    found = list(files(path))
    if not found:
        others = sorted(other.name for other in path.rglob("*.y*ml"))[:3]
        seen = f"; there is only {', '.join(others)}" if others else ""
        raise MappingError(f"There is no mapping file in {path}: they are called mapping*.yaml{seen}.")
    return found


def files(path: Path) -> Iterator[Path]:
    """The file itself, or the mapping files below a folder."""
    if path.is_dir():
        yield from sorted(path.rglob("mapping*.yaml"))
    else:
        yield path
