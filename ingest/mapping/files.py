"""Mapping files on disk: paths in, checked mappings out; a wrong file is refused with file, place and reason."""

from collections.abc import Iterator
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
    """Read mapping files and every `mapping.yaml` below folders."""
    return [load(file) for path in paths for file in files(path)]


def files(path: Path) -> Iterator[Path]:
    """The file itself, or the mapping files below a folder."""
    if path.is_dir():
        yield from sorted(path.rglob("mapping*.yaml"))
    else:
        yield path
