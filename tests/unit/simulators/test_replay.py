import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.errors import MappingError, RecordingError
from simulators.mapping_section import ReplaySection, TimeRule, load
from simulators.recordings import find, read
from simulators.replay import WEEK_MS, Pacer, Tally, messages_of, weeks_to
from simulators.shifts import milliseconds
from tests.support.paths import ROOT

SHDR = ReplaySection(format="shdr", topic="t", time=TimeRule(field=0))
CSV = ReplaySection(format="csv", topic="t", time=TimeRule(column="t"))


# -- finding and reading ------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/3.txt", "a/1.txt", "a/.hidden.txt", "a/other.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = find([tmp_path / "b/*.txt", tmp_path / "a", tmp_path / "a/1.txt"], "*.txt")
    assert [path.name for path in found] == ["1.txt", "2.txt", "3.txt"]


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nothing-here"):
        find([tmp_path / "nothing-here.csv"])


def test_a_cut_off_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.txt.gz"
    path.write_bytes(gzip.compress(b"2016-05-02T05:00:00Z|a|1\n" * 1000)[:-20])
    with pytest.raises(RecordingError, match=r"cut\.txt\.gz"):
        list(read(path, SHDR))


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "t,t\n1,2\n", ""])
def test_a_header_without_the_time_column_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(RecordingError, match="column 't'"):
        list(read(tmp_path / "x.csv", CSV))


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"t,v\n1,caf\xe9\n")
    with pytest.raises(RecordingError, match=r"x\.csv"):
        list(read(tmp_path / "x.csv", CSV))


# -- mapping ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topic: x", "no `replay:` section"),
        ("replay: {format: xml, topic: t, time: {column: t}}", "format"),
        ("replay: {format: csv, topic: t, time: {field: 0}}", "column"),
        ("replay: {format: shdr, topic: 't/{a}', time: {field: 0}}", "placeholders"),
        ("replay: {format: csv, topic: 't/#', time: {column: t}}", "cannot hold"),
        ("replay: {format: csv, topic: t, time: {column: t, zone: Mars/Base}}", "Mars/Base"),
        ("replay: {format: csv, topic: t, time: {column: t}, sped: 3}", "sped"),
        ("replay: [", "cannot read"),
    ],
)
def test_a_wrong_section_says_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(MappingError, match=problem):
        load(tmp_path / "mapping.yaml")


def test_other_sections_are_not_looked_at(tmp_path: Path) -> None:
    text = "decode: whatever\nreplay: {format: csv, topic: t, time: {column: t}}\n"
    (tmp_path / "mapping.yaml").write_text(text)
    assert load(tmp_path / "mapping.yaml") == CSV


@pytest.mark.parametrize("example", ["lathe-mazak03", "steel-works", "moulding-shop"])
def test_examples_have_a_good_section(example: str) -> None:
    assert load(ROOT / "examples" / example / "mapping.yaml").topic


# -- shifting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0, 1, 100, 167, 168, 169, 5000, -5, -200])
def test_a_shifted_recording_ends_within_the_last_week(tmp_path: Path, hours: int) -> None:
    last = datetime(2026, 1, 1, tzinfo=UTC)
    (tmp_path / "x.txt").write_text(f"{last:%Y-%m-%dT%H:%M:%S}Z|a|1\n2001-01-01T00:00:00Z|a|2\n")
    now = last + timedelta(hours=hours)
    weeks = weeks_to(now, [tmp_path / "x.txt"], SHDR)[1]
    assert timedelta(0) <= now - (last + timedelta(weeks=weeks)) < timedelta(weeks=1)


def test_reach_keeps_the_end_of_a_row_out_of_the_future(tmp_path: Path) -> None:
    section = ReplaySection(format="csv", topic="t", time=TimeRule(column="t", reach_s=108_000))
    (tmp_path / "x.csv").write_text("t\n2018-11-30\n")
    end = datetime(2018, 12, 1, 6, tzinfo=UTC)
    assert weeks_to(end, [tmp_path / "x.csv"], section)[1] == 0
    assert weeks_to(end - timedelta(seconds=1), [tmp_path / "x.csv"], section)[1] == -1


def test_a_recording_without_times_cannot_be_shifted(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("no time\n")
    with pytest.raises(RecordingError, match="no row has a time"):
        weeks_to(datetime.now(UTC), [tmp_path / "x.txt"], SHDR)


def test_real_lathe_keeps_every_line(shared_data: Path) -> None:
    section = load(ROOT / "examples/lathe-mazak03/mapping.yaml")
    paths = find([shared_data / "mtconnect-nist-mazak03/raw"], section.files)[-2:]
    tally = Tally()
    messages = list(messages_of(paths, section, 0, tally))
    whole = b"".join(gzip.decompress(path.read_bytes()) for path in paths)
    assert b"\n".join(message.payload for message in messages).split() == whole.split()
    assert tally.rows == whole.count(b"\n")
    assert tally.untimed == 0


# -- pacing -------------------------------------------------------------------------------------------


def test_pace_follows_device_time() -> None:
    pacer = Pacer(60.0, began_s=100.0)
    assert pacer.wait_s(0, 100.0) == 0
    assert pacer.wait_s(60_000, 100.25) == pytest.approx(0.75)
    assert pacer.wait_s(30_000, 101.0) == 0  # a time that lies back
    assert pacer.wait_s(None, 101.0) == 0
    assert pacer.wait_s(WEEK_MS, 101.0) == pytest.approx(WEEK_MS / 60_000 - 1)


def test_full_speed_never_waits() -> None:
    assert Pacer("max", began_s=0).wait_s(milliseconds(datetime.now(UTC)), 0) == 0
