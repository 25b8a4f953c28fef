"""Recordings on disk: files, folders and glob patterns in; rows of text out, gzip opened on the way.

Values stay text exactly as they stand in the file; what they mean is not looked at, except for where the time stands.
"""

import csv
import glob
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import msgspec

from simulators.errors import RecordingError
from simulators.mapping_section import ReplaySection

EXTRA = "_extra"
"""Key of the fields of a CSV row that has more of them than the header."""


def find(inputs: Iterable[str | Path], pattern: str = "*") -> list[Path]:
    """Return the files behind paths, folders (files that match the pattern) and globs, in the order of their names."""
    found: set[Path] = set()
    for given in inputs:
        matches = _matches(Path(given), pattern)
        if not matches:
            raise RecordingError(f"no recording found at {given}")
        found.update(matches)
    return sorted(found, key=lambda path: (path.name, str(path)))


def _matches(path: Path, pattern: str) -> list[Path]:
    if path.is_dir():
        return [child for child in path.glob(pattern) if child.is_file() and not child.name.startswith(".")]
    if path.is_file():
        return [path]
    return [Path(match) for match in glob.glob(str(path)) if Path(match).is_file()]  # noqa: PTH207 - may be absolute


class Row(Protocol):
    """One row of a recording."""

    @property
    def time(self) -> str:
        """Time text, empty if there is none."""

    def with_time(self, text: str) -> "Row":
        """Return the row with another time text."""

    def encode(self) -> bytes:
        """Return the row as it goes into a payload."""

    def value(self, column: str) -> str:
        """Return the text of a column, empty if there is none."""


class CsvRow(NamedTuple):
    """A CSV row by column name."""

    time: str
    values: dict[str, str | list[str]]
    column: str

    def with_time(self, text: str) -> "CsvRow":
        return CsvRow(text, {**self.values, self.column: text}, self.column)

    def encode(self) -> bytes:
        return msgspec.json.encode(self.values)

    def value(self, column: str) -> str:
        return _text(self.values.get(column))


class ShdrRow(NamedTuple):
    """An SHDR line without its line end, in the bytes of the file, parted around the time."""

    time: str
    before: bytes
    after: bytes

    def with_time(self, text: str) -> "ShdrRow":
        return ShdrRow(text, self.before, self.after)

    def encode(self) -> bytes:
        return b"".join((self.before, self.time.encode("latin-1"), self.after))

    def value(self, column: str) -> str:  # noqa: ARG002 - the lines have no columns
        return ""


def read(path: Path, section: ReplaySection) -> Iterator[Row]:
    """Yield the rows of one file in file order; blank lines are left out."""
    try:
        if section.format == "csv":
            yield from _csv_rows(path, section)
        else:
            yield from _shdr_rows(path, section)
    except (OSError, EOFError, UnicodeError, LookupError) as error:
        raise RecordingError(f"cannot read {path}: {error}") from error
    except csv.Error as error:
        raise RecordingError(f"{path} is not a CSV file as expected: {error}") from error


def _csv_rows(path: Path, section: ReplaySection) -> Iterator[Row]:
    with _open_text(path, section.encoding) as file:
        lines = csv.reader(file, delimiter=section.delimiter)
        header = next(lines, [])
        column = section.time.column or ""
        if len(set(header)) != len(header) or column not in header:
            raise RecordingError(f"{path}: the header line needs the column {column!r} and no column twice")
        for fields in lines:
            if fields:
                values: dict[str, str | list[str]] = dict(zip(header, fields, strict=False))
                if len(fields) > len(header):
                    values[EXTRA] = fields[len(header) :]
                yield CsvRow(_text(values.get(column)), values, column)


def _shdr_rows(path: Path, section: ReplaySection) -> Iterator[Row]:
    with _open_bytes(path) as file:
        for line in file:
            bare = line.rstrip(b"\r\n")
            if bare:
                yield _shdr_row(bare, section.time.field or 0)


def _shdr_row(line: bytes, field: int) -> ShdrRow:
    parts = line.split(b"|", field + 1)
    if len(parts) <= field + 1:
        return ShdrRow("", b"", line)
    before = b"".join(part + b"|" for part in parts[:field])
    return ShdrRow(parts[field].decode("latin-1"), before, b"|" + parts[field + 1])


def _text(value: str | list[str] | None) -> str:
    return value if isinstance(value, str) else ""


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _open_text(path: Path, encoding: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")
