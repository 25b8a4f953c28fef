"""A package of computed KPIs from a real database: checked and computed again without it, and no change goes unseen."""

import json
import zipfile
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from io import StringIO
from pathlib import Path

import polars as pl
import psycopg
import pytest
from rich.console import Console
from typer.testing import CliRunner

from maturity import dsse
from maturity.checkpoint import Checkpoint
from maturity.errors import PackageError
from maturity.facts import FRAMES
from maturity.notes import Note, SigningKey
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.parquet import to_parquet
from maturity.package.report import Verification
from maturity.package.verify import verify
from maturity.zipped import members_of, read_member, write_zip
from pilot.cli import app
from pilot.package_show import show
from tests.integration.kpi.plant import MACHINE
from tests.integration.maturity.factory import KEY, NAME, WITNESS, Factory, export, exported, short_windows
from tests.support.database import Databases

pytestmark = pytest.mark.needs_database
Members = dict[str, bytes | Path]


def test_a_stranger_computes_everything_again(package: Path) -> None:
    found = verify(package, KEY.public, (WITNESS.public,))
    different = found.values.filter(pl.col("verdict") == "different")
    assert (found.findings, different.to_dicts()[:5]) == ([], [])
    assert [each for each in found.criteria if each.verdict == "different"] == []
    assert found.is_good
    shown = Console(record=True, file=StringIO(), width=200)
    show(found, shown, every=False)
    assert "equal lighthouse-os" in shown.export_text()
    grains = dict(found.values.filter(pl.col("verdict") == "equal").group_by("grain").len().iter_rows())
    assert grains.keys() == {"hour", "shift", "day", "week", "job"}
    why = found.values.filter(pl.col("verdict") != "equal").select("grain", "verdict", "why").unique().rows()
    assert why == [("month", "cannot be recomputed", "the month begins before the package's first day")]
    machine = found.values.filter(pl.col("scope") == MACHINE, pl.col("grain") == "week")
    again = dict(machine.select("kpi", "again").iter_rows())
    assert (again["good_quantity"], again["energy"]) == (14000.0, 1680.0)  # the counters went on unseen
    assert len(found.criteria) > 77
    assert {each.verdict.value for each in found.criteria} == {"equal"}
    assert any(each.again == "supported" for each in found.criteria)
    with zipfile.ZipFile(package) as other:
        assert other.testzip() is None


def test_the_command_says_so_and_the_same_data_give_the_same_file(packed: Factory) -> None:
    database, path = packed
    frameworks = ("--framework", "lighthouse-os", "--framework", str(short_windows(path.parent)))
    again = exported(database, path.parent, "again.zip", *frameworks)
    assert again.read_bytes() == path.read_bytes()
    checked = CliRunner().invoke(app, ["evidence", "verify", str(path), "--key", str(KEY.public), "--json"])
    said = json.loads(checked.output)
    assert (said["good"], said["package"]["site"]) == (True, "plant")


def test_nobody_is_named_in_it(package: Path) -> None:
    """The factory put a name in every place that takes one (people.sql); the PDF tells what the HTML tells."""
    held = Package.open(package)
    words = [NAME, json.dumps(NAME)[1:-1], "Nguyễn", "cham cong"]
    for name in held.members:
        content = held.read(name)
        if name.endswith(".parquet"):
            content = pl.read_parquet(content).write_ndjson().encode()
        assert not [word for word in words if word.encode() in content], name
    events = held.frame(layout.raw_table("events"), layout.RAW_TABLES["events"])
    assert {json.loads(payload)["good"] for payload in events["payload"]} == {3}
    records = held.frame(layout.facts("records"), FRAMES["records"])
    assert dict(records.select("kind", "key").iter_rows())["attendance"] == "000000000"
    assert json.loads(records["payload"][0])["asset"] == MACHINE


def test_the_report_tells_what_the_assessor_decided(package: Path) -> None:
    told = Package.open(package).read(layout.report("lighthouse-os", "en", "html")).decode()
    assert told.count("Accepted") == 1
    assert "Accepted" not in Package.open(package).read(layout.report("short-lighthouse-os", "en", "html")).decode()


def test_no_flipped_bit_goes_unseen(package: Path, tmp_path: Path) -> None:
    whole, members, path = package.read_bytes(), members_of(package), tmp_path / "flipped.zip"
    places = {0, 4, 14, len(whole) - 1, len(whole) - 22, len(whole) - 60}
    for member in members.values():
        places |= {member.header + offset for offset in (0, 14, 26, 30)}
        places |= {member.content + member.size * part // 4 for part in range(4)} if member.size else set()
    envelope = members[layout.STATEMENT]
    places |= {envelope.content + whole[envelope.content :].index(b"keyid") + offset for offset in range(0, 30, 3)}
    note = members[layout.LOG_CHECKPOINT]
    places |= set(range(note.content, note.content + note.size, 16))
    path.write_bytes(whole)
    for number, place in enumerate(sorted(places)):
        _write_byte(path, place, whole[place] ^ 1 << number % 8)
        hit = [each.name for each in members.values() if each.header <= place < each.content + each.size]
        try:
            found = verify(path, KEY.public)
        except PackageError:
            assert not hit, place
        else:
            assert not found.is_good, place
            assert not hit or any(hit[0] in finding for finding in found.findings), (place, hit, found.findings)
        _write_byte(path, place, whole[place])
    assert path.read_bytes() == whole


def _write_byte(path: Path, place: int, value: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([value]))


def rewritten(package: Path, change: Callable[[Members], None], *, digests: SigningKey | None) -> Verification:
    """Change members and write the archive anew; with a key, the statement is made anew too."""
    members: Members = {name: read_member(package, each) for name, each in members_of(package).items()}
    change(members)
    if digests:
        held = Package.open(package)
        content = {name: data for name, data in members.items() if name != layout.STATEMENT and isinstance(data, bytes)}
        subjects = {name: sha256(data).hexdigest() for name, data in content.items()}
        members[layout.STATEMENT] = dsse.sign(dsse.Statement(subjects, held.manifest.plain()), digests)
    path = package.parent / "rewritten.zip"
    write_zip(path, members)
    return verify(path, KEY.public)


def _more_pieces(members: Members) -> None:
    of_days = (pl.col("kpi") == "good_quantity") & (pl.col("grain") == "day")
    values = _frame(members, layout.VALUES_FILE).with_columns(pl.col("value") + of_days.cast(pl.Float64))
    members[layout.VALUES_FILE] = to_parquet(values)


def _another_row(members: Members) -> None:
    name = layout.BEFORE.replace("before", "2026-03-03")
    rows = _frame(members, name)
    members[name] = to_parquet(
        rows.with_columns(pl.col("value") + (pl.int_range(pl.len()).is_between(700, 2097)).cast(pl.Float64))
    )


def _other_rows_of_a_computed_day(members: Members) -> None:
    """The true rows stay for the log; others would be computed from."""
    members[layout.margin_of(date(2026, 3, 3))] = members[layout.readings_of(date(2026, 3, 3))]


def _a_row_more_beside_the_days(members: Members) -> None:
    """A row of the second day stands among those before the period, where no record of the log covers it."""
    inside = _frame(members, layout.readings_of(date(2026, 3, 3))).head(1).with_columns(pl.col("ts") + 1)
    members[layout.BEFORE] = to_parquet(pl.concat([_frame(members, layout.BEFORE), inside]))


def _another_registry(members: Members) -> None:
    name = next(name for name in members if name.startswith("config/"))
    content = members[name]
    assert isinstance(content, bytes)
    members[name] = content.replace(b'"ideal_cycle_us":10000000', b'"ideal_cycle_us":12000000')


def _another_record(members: Members) -> None:
    content = members[layout.LOG_RECORDS]
    assert isinstance(content, bytes)
    members[layout.LOG_RECORDS] = content.replace(b'"value":2000', b'"value":2001')


def _better_criterion(members: Members) -> None:
    content = members[layout.criteria("short-lighthouse-os")]
    assert isinstance(content, bytes)
    members[layout.criteria("short-lighthouse-os")] = content.replace(
        b'"outcome":"contradicted"', b'"outcome":"supported"'
    )


def _frame(members: Members, name: str) -> pl.DataFrame:
    content = members[name]
    assert isinstance(content, bytes)
    return pl.read_parquet(content)


def test_a_flipped_bit_whose_checksum_was_repaired_names_its_member(package: Path) -> None:
    """Also where what is read first cannot be read any more: the manifest, the statement, the keys of the log."""
    said = {name: read_member(package, member) for name, member in members_of(package).items()}
    key = said[layout.LOG_RECORDS].index(b'"kind":"key"')
    places = {layout.STATEMENT: (0, 20, 400, len(said[layout.STATEMENT]) - 12), layout.MANIFEST: (0, 10, 60)}
    places |= {layout.LOG_RECORDS: (key, key + 10, key + 30), layout.LOG_CHECKPOINT: (5,), layout.LOG_PROOF: (9,)}
    for name, place in ((name, place) for name, several in places.items() for place in several):
        flipped = bytearray(said[name])
        flipped[place] ^= 1

        def change(members: Members, name: str = name, content: bytes = bytes(flipped)) -> None:
            members[name] = content

        try:
            named = rewritten(package, change, digests=None).findings
        except PackageError as error:
            named = [str(error)]
        assert any(name in each for each in named), (name, place, named)


@pytest.mark.parametrize(
    ("change", "unsigned", "signed"),
    [
        (_more_pieces, "kpi/values.parquet: it is not what was signed", "good_quantity of line/m1, day 2026-03-02"),
        (_another_row, "2026-03-03.parquet: it is not what was signed", "are not those that the log recorded"),
        (_other_rows_of_a_computed_day, "03-03.margin.parquet: it is not in", "margin.parquet: readings of a day that"),
        (_a_row_more_beside_the_days, "before.parquet: it is not what was signed", "lie in days that were computed"),
        (_another_registry, "it is not what was signed", "it does not have the digest that it is called by"),
        (_another_record, "log/records.jsonl: it is not what was signed", "do not lead to its root"),
        (_better_criterion, "lighthouse-os.json: it is not what was signed", ""),
    ],
)
def test_what_is_changed_is_named(package: Path, change: Callable[[Members], None], unsigned: str, signed: str) -> None:
    without_key = rewritten(package, change, digests=None)
    assert any(unsigned in finding for finding in without_key.findings), without_key.findings
    stranger = rewritten(package, change, digests=SigningKey.generate(KEY.name))
    assert any("The package is signed by" in finding for finding in stranger.findings), stranger.findings
    factory_itself = rewritten(package, change, digests=KEY)
    assert not factory_itself.is_good
    assert not signed or any(signed in finding for finding in factory_itself.findings), factory_itself.findings
    different = factory_itself.values.filter(pl.col("verdict") == "different")
    if change is _another_row:
        named = set(different.select("kpi", "grain").iter_rows())
        assert ("good_quantity", "day") in named
    if change is _better_criterion:
        assert "contradicted" in {each.again for each in factory_itself.criteria if each.verdict == "different"}


def test_other_keys_and_formats_are_refused(package: Path) -> None:
    other = verify(package, SigningKey.generate(KEY.name).public)
    assert any("never signed this log" in finding for finding in other.findings)
    unwitnessed = verify(package, KEY.public, (SigningKey.generate("other.example").public,))
    assert any("has not witnessed" in finding for finding in unwitnessed.findings)

    def newer(members: Members) -> None:
        content = members[layout.MANIFEST]
        assert isinstance(content, bytes)
        members[layout.MANIFEST] = content.replace(b'"version":1', b'"version":2')

    with pytest.raises(PackageError, match="reads haidang-evidence-package 1"):
        rewritten(package, newer, digests=KEY)
    assert Checkpoint.parse(Note.parse(Package.open(package).read(layout.LOG_CHECKPOINT).decode()).text).size


def test_what_is_not_in_the_log_is_not_packed(packed: Factory) -> None:
    database, path = packed
    change = "UPDATE reading SET value = value + %s WHERE ts = (SELECT min(ts) FROM reading)"
    with psycopg.connect(database.url) as owner:
        owner.execute(change, [1])
    said = export(database, path.parent, "no.zip")
    with psycopg.connect(database.url) as owner:
        owner.execute(change, [-1])
    assert "are not those that the evidence log recorded" in said
    assert not (path.parent / "no.zip").exists()


def test_a_programme_takes_it_in_after_checking_all_of_it(package: Path, databases: Databases, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(package.read_bytes()[:-1])
    with databases.clone() as elsewhere:
        runner = CliRunner(env={"HAIDANG_DATABASE_URL": elsewhere.url_for("haidang_evidence")})

        def programme(*words: str) -> str:
            result = runner.invoke(app, ["programme", *words])
            return f"{result.output}{result.exception or ''}"

        assert "No key is trusted for site 'plant'" in programme("import", str(package))
        programme("trust", str(SigningKey.generate("factory.example/log").public), "--site", "plant")
        assert "The package is not right" in programme("import", str(package))
        programme("trust", str(KEY.public), "--site", "plant")
        assert "taken in as assessment 1" in programme("import", str(package))
        assert "was here already" in programme("import", str(package))
        assert "taken in" not in programme("import", str(damaged))
        (site,) = json.loads(programme("show", "--format", "json"))["sites"]
        assert (site["site"], site["origin"], site["last"]) == ("plant", "imported", "2026-03-08")
