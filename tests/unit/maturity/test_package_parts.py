"""The archive and the signature of a package: the same bytes every time, and no flipped bit goes unseen."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from maturity.dsse import Statement, sign, verify
from maturity.errors import PackageError, SignatureError
from maturity.notes import SigningKey
from maturity.zipped import differences, members_of, read_member, write_zip

MEMBERS: dict[str, bytes | Path] = {"b/c.bin": bytes(range(64)), "a.txt": b"hello", "d": b""}
KEY = SigningKey.generate("factory.example/log")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "package.zip"
    write_zip(path, MEMBERS)
    return path


def test_the_same_members_give_the_same_bytes_and_are_read_by_others(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(bytes(range(64)))
    again = tmp_path / "again.zip"
    write_zip(again, {"d": b"", "b/c.bin": tmp_path / "content", "a.txt": b"hello"})
    assert again.read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(archive) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == MEMBERS
    assert {name: read_member(archive, member) for name, member in members_of(archive).items()} == MEMBERS
    assert differences(archive) == []


def test_no_bit_can_be_flipped_unseen(archive: Path, tmp_path: Path) -> None:
    whole, members, damaged = archive.read_bytes(), members_of(archive), tmp_path / "damaged.zip"
    for bit in range(0, len(whole) * 8, 3):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        damaged.write_bytes(flipped)
        hit = [each.name for each in members.values() if each.header <= bit // 8 < each.content + each.size]
        try:
            found = differences(damaged)
        except PackageError:
            assert hit == [], bit  # only the directory can make it no archive of ours
        else:
            assert found == hit or (found and not hit), bit


@pytest.mark.parametrize("cut", [1, 21, 22, 100, 200])
def test_a_truncated_archive_is_refused(archive: Path, cut: int) -> None:
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(PackageError):
        members_of(archive)


def other_zip(path: Path, name: str, *, compress: int = zipfile.ZIP_STORED, content: bytes = b"x") -> Path:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", compress) as archive:
        archive.writestr(name, content)
    path.write_bytes(made.getvalue())
    return path


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../b", "c:\\x", "a//b", "x" * 300, "é"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError):
        members_of(other_zip(tmp_path / "x.zip", name))
    with pytest.raises(PackageError, match="no name of a member"):
        write_zip(tmp_path / "y.zip", {name: b""})


def test_foreign_archives_and_bombs_are_refused(tmp_path: Path) -> None:
    bomb = other_zip(tmp_path / "bomb.zip", "a", compress=zipfile.ZIP_DEFLATED, content=bytes(10_000_000))
    for path in (bomb, other_zip(tmp_path / "plain.zip", "a"), tmp_path / "nothing.zip"):
        with pytest.raises(PackageError):
            members_of(path)
    (tmp_path / "text.zip").write_text("this is no archive at all, but it is long enough for one", "utf-8")
    with pytest.raises(PackageError):
        members_of(tmp_path / "text.zip")


def test_a_statement_is_checked_by_its_key() -> None:
    said = Statement({"b": "00" * 32, "a": "11" * 32}, {"site": "s"})
    envelope = sign(said, KEY)
    assert verify(envelope, KEY.public) == said
    with pytest.raises(SignatureError, match="not by"):
        verify(envelope, SigningKey.generate("factory.example/log").public)


def test_no_bit_of_the_envelope_can_be_flipped_unseen() -> None:
    envelope = sign(Statement({"a": "11" * 32}, {"site": "s"}), KEY)
    for bit in range(0, len(envelope) * 8, 3):
        flipped = bytearray(envelope)
        flipped[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(SignatureError):
            verify(bytes(flipped), KEY.public)
