"""Members of a package by name, read with suspicion; what is missing or malformed is refused by name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from maturity import zipped
from maturity.errors import PackageError
from maturity.package import layout
from maturity.package.parquet import compact_from_parquet, from_parquet
from maturity.zipped import Member
from model.registry import Site

_MOST_LINE = 64 << 20
_MOST_DAYS = 1100


@dataclass(frozen=True)
class Manifest:
    """What a package is of."""

    site: str
    first: date
    last: date
    code: str
    frameworks: tuple[str, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """All production days, in order."""
        span = range(self.first.toordinal(), self.last.toordinal() + 1)
        return tuple(map(date.fromordinal, span))

    def plain(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": layout.FORMAT,
            "version": layout.FORMAT_VERSION,
            "site": self.site,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "code": self.code,
            "frameworks": list(self.frameworks),
        }

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read a manifest.

        Raises:
            PackageError: it is none, or of a format that this version does not know.
        """
        try:
            said = json.loads(data)
            if (said["format"], said["version"]) != (layout.FORMAT, layout.FORMAT_VERSION):
                raise PackageError(
                    f"{layout.MANIFEST}: it has format {said['format']} {said['version']}; this version of haidang "
                    f"reads {layout.FORMAT} {layout.FORMAT_VERSION}."
                )
            days = date.fromisoformat(said["first"]), date.fromisoformat(said["last"])
            found = cls(str(said["site"]), *days, str(said["code"]), tuple(map(str, said["frameworks"])))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise PackageError(f"The manifest of the package cannot be read ({layout.MANIFEST}).") from error
        if not found.first <= found.last or (found.last - found.first).days > _MOST_DAYS:
            raise PackageError("The period of the package is none.")
        return found


@dataclass(frozen=True)
class Package:
    """An archive of which the directory has been read."""

    path: Path
    members: Mapping[str, Member]

    @classmethod
    def open(cls, path: Path) -> "Package":
        """Read the directory.

        Raises:
            PackageError: it is no archive of ours.
        """
        return cls(path, zipped.members_of(path))

    def read(self, name: str) -> bytes:
        """Content of a member.

        Raises:
            PackageError: there is none of that name.
        """
        if name not in self.members:
            raise PackageError(f"The package lacks {name}.")
        return zipped.read_member(self.path, self.members[name])

    def json(self, name: str) -> Any:
        """Content of a JSON member."""
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise PackageError(f"{name} is no JSON.") from error

    def frame(self, name: str, schema: pl.Schema) -> pl.DataFrame:
        """Content of a Parquet member."""
        return from_parquet(self.read(name), name, schema)

    def compact_frame(self, name: str, schema: pl.Schema) -> pl.DataFrame:
        """Content of a Parquet member with its texts numbered (compact.compacted)."""
        return compact_from_parquet(self.read(name), name, schema)

    def lines(self, name: str) -> Iterator[bytes]:
        """Lines of a member, without their ends."""
        if name not in self.members:
            raise PackageError(f"The package lacks {name}.")
        rest = b""
        for block in zipped.blocks(self.path, self.members[name]):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
            if len(rest) > _MOST_LINE:
                raise PackageError(f"{name} has a line that is too long.")
        if rest:
            yield rest

    @cached_property
    def manifest(self) -> Manifest:
        """What the package is of."""
        return Manifest.parse(self.read(layout.MANIFEST))

    def site(self, digest: str) -> Site:
        """The registry with this digest.

        Raises:
            PackageError: it is missing or is no registry.
        """
        return parsed_site(self.read(layout.config(digest)), layout.config(digest))


def parsed_site(data: bytes, name: str) -> Site:
    """Read a registry that is written canonically.

    Raises:
        PackageError: it is none.
    """
    try:
        return msgspec.json.decode(data, type=Site)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PackageError(f"{name} is no registry of a site.") from error
