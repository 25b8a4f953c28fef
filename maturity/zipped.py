"""Deterministic zip archives: stored, in order of name, one time, one set of attributes; read with suspicion.

The same members give the same bytes, whatever library or version writes them: the layout is PKWARE's APPNOTE with no
extra fields, comments, data descriptors or zip64. Reading computes where every byte must lie and compares, so that
nothing can hide in headers, gaps or comments; nothing is ever unpacked to a path.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO
from zlib import crc32

from maturity.errors import PackageError

MOST_MEMBERS = 20_000
MOST_BYTES = 2**32 - 2**20  # of the whole archive: what the plain format can address
MOST_NAME = 200
DIRECTORY = "the archive's directory"
_BLOCK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
_TIME, _DATE = 0, (1 << 5) | 1  # 1980-01-01 00:00
_VERSION, _UNIX = 20, 3 << 8
_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name, where its content begins, how long it is, and the checksum that is written."""

    name: str
    size: int
    crc: int
    header: int

    @property
    def content(self) -> int:
        """Where its content begins."""
        return self.header + _LOCAL.size + len(self.name)

    def local(self) -> bytes:
        """Header before the content."""
        name = self.name.encode()
        fields = (_VERSION, 0, 0, _TIME, _DATE, self.crc, self.size, self.size, len(name), 0)
        return _LOCAL.pack(b"PK\x03\x04", *fields) + name

    def central(self) -> bytes:
        """Entry of the directory."""
        name = self.name.encode()
        fields = (_VERSION | _UNIX, _VERSION, 0, 0, _TIME, _DATE, self.crc, self.size, self.size, len(name))
        return _CENTRAL.pack(b"PK\x01\x02", *fields, 0, 0, 0, 0, _MODE, self.header) + name


def write_zip(path: Path, members: Mapping[str, bytes | Path]) -> None:
    """Write an archive; it appears under its name only when it is whole.

    Args:
        path: file to write.
        members: content, or the file that holds it, by name.

    Raises:
        PackageError: a name is not plain, it is all too large, or a file cannot be read or written.
    """
    for name in members:
        if not is_plain(name):
            raise PackageError(f"{name!r} is no name of a member.")
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            _write(file, members)
        partial.replace(path)
    except OSError as error:
        raise PackageError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def is_plain(name: str) -> bool:
    """Whether a name is a relative path of plain parts, none of which leads upwards."""
    return len(name) <= MOST_NAME and _NAME.fullmatch(name) is not None and ".." not in name


def members_of(path: Path) -> dict[str, Member]:
    """Read the directory of an archive.

    Raises:
        PackageError: it is no archive of ours: truncated, with odd names, out of order, compressed, too large.
    """
    try:
        with path.open("rb") as file:
            return _directory(file, path)
    except OSError as error:
        raise PackageError(f"{path} cannot be read: {error.strerror}.") from error


def differences(path: Path) -> list[str]:
    """Name the members of which a header or the content is damaged; empty = every byte is where and what it must be.

    Raises:
        PackageError: it is no archive of ours.
    """
    members = members_of(path)
    damaged = []
    with path.open("rb") as file:
        for member in members.values():
            file.seek(member.header)
            header = file.read(len(member.local()))
            if header != member.local() or _crc(_content(file, member)) != member.crc:
                damaged.append(member.name)
    return damaged


def blocks(path: Path, member: Member) -> Iterator[bytes]:
    """Content of a member, a block at a time."""
    with path.open("rb") as file:
        yield from _content(file, member)


def read_member(path: Path, member: Member) -> bytes:
    """Content of a member, whole."""
    return b"".join(blocks(path, member))


def _write(file: IO[bytes], members: Mapping[str, bytes | Path]) -> None:
    laid: list[Member] = []
    place = 0
    for name in sorted(members):
        content = members[name]
        with _opened(content) as source:
            crc = _crc(iter(lambda: source.read(_BLOCK), b""))
            member = Member(name, source.tell(), crc, place)
        place = member.content + member.size
        if place > MOST_BYTES or len(laid) >= MOST_MEMBERS:
            raise PackageError("The package would be too large: export a shorter period.")
        file.write(member.local())
        with _opened(content) as source:
            while block := source.read(_BLOCK):
                file.write(block)
        laid.append(member)
    file.write(_tail(laid, place))


def _tail(members: Sequence[Member], place: int) -> bytes:
    directory = b"".join(member.central() for member in members)
    count = len(members)
    return directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), place, 0)


def _directory(file: IO[bytes], path: Path) -> dict[str, Member]:
    total = file.seek(0, 2)
    if total < _END.size or total > MOST_BYTES:
        raise PackageError(f"{path} is no package: it is too short or too large.")
    file.seek(total - _END.size)
    magic, _, _, count, _, length, place, _ = _END.unpack(file.read(_END.size))
    if magic != b"PK\x05\x06" or place + length + _END.size != total or count > MOST_MEMBERS:
        raise PackageError(f"{path} was cut off, or is no package: it does not end in {DIRECTORY}.")
    file.seek(place)
    tail = file.read(length + _END.size)
    members = list(_entries(tail[:length], path))
    names = [member.name for member in members]
    if odd := next((name for name in names if not is_plain(name)), None):
        raise PackageError(f"{path} has a member {odd[:MOST_NAME]!r}, no name of ours. Do not unpack it.")
    if names != sorted(set(names)):
        raise PackageError(f"{path} has members twice or out of order: it is no package of ours.")
    begins = [0, *(member.content + member.size for member in members)]
    if begins != [*(member.header for member in members), place] or _tail(members, place) != tail:
        raise PackageError(f"{path}: {DIRECTORY} is damaged, or the archive was not laid out by us.")
    return {member.name: member for member in members}


def _entries(directory: bytes, path: Path) -> Iterator[Member]:
    place = 0
    while place < len(directory):
        if len(directory) - place < _CENTRAL.size:
            raise PackageError(f"{path}: {DIRECTORY} is damaged.")
        fields = _CENTRAL.unpack_from(directory, place)
        crc, size, length, header = fields[7], fields[9], fields[10], fields[16]
        name = directory[place + _CENTRAL.size : place + _CENTRAL.size + length]
        if fields[4] != 0 or fields[8] != size:
            raise PackageError(f"{path} has compressed members; packages of ours have none.")
        if len(name) != length or not name.isascii():
            raise PackageError(f"{path}: {DIRECTORY} is damaged.")
        yield Member(name.decode("ascii"), size, crc, header)
        place += _CENTRAL.size + length


def _content(file: IO[bytes], member: Member) -> Iterator[bytes]:
    file.seek(member.content)
    left = member.size
    while left and (block := file.read(min(left, _BLOCK))):
        left -= len(block)
        yield block


def _crc(parts: Iterator[bytes]) -> int:
    found = 0
    for part in parts:
        found = crc32(part, found)
    return found


def _opened(content: bytes | Path) -> IO[bytes]:
    return BytesIO(content) if isinstance(content, bytes) else content.open("rb")
