"""A package of computed KPIs from a real database: checked and computed again without it, and no change goes unseen."""

import json
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import polars as pl
import psycopg
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from kpi.job import run_once
from maturity import dsse
from maturity.checkpoint import Checkpoint
from maturity.closing import close_due_days
from maturity.errors import PackageError
from maturity.keys import write_key
from maturity.loading import framework
from maturity.log import EvidenceLog
from maturity.notes import Note, SigningKey
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.parquet import to_parquet
from maturity.package.report import Verification
from maturity.package.verify import verify
from maturity.witness import cosign
from maturity.zipped import members_of, read_member, write_zip
from pilot.cli import app
from pilot.package_show import show
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import Databases, TestDatabase

pytestmark = pytest.mark.needs_database
KEY, WITNESS = SigningKey.generate("factory.example/log"), SigningKey.generate("witness.example")
AFTER = MONDAY + 60 * 24 * HOUR
NAME = "Nguyễn Văn An"
DAYS = ("--from", "2026-03-02", "--to", "2026-03-08")

Factory = tuple[TestDatabase, Path]
Members = dict[str, bytes | Path]


@pytest.fixture(scope="module")
def factory(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """A week of which two days were worked, the Monday after it, and a log that a witness has signed."""
    with databases.clone() as database:
        plant = Plant(database)
        for day in (0, 1, 7):
            plant.work_a_day(day)
        _name_people(plant)
        run_once(plant.kpi_url, now=AFTER)
        with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
            note = close_due_days(connection, KEY).note
            assert note
            signed = Note.parse(cosign(Note.parse(note), KEY.public, WITNESS))
            EvidenceLog(connection).countersign(signed, WITNESS.public)
        folder = tmp_path_factory.mktemp("package")
        write_key(folder / "key", KEY)
        exported(database, folder, "p.zip")
        yield database, folder / "p.zip"


@pytest.fixture
def package(factory: Factory) -> Path:
    return factory[1]


def short_windows(folder: Path) -> Path:
    """Lighthouse OS with windows as long as the package: its criteria can be judged on so few days."""
    plain = framework("lighthouse-os").plain()
    for criterion in plain["criteria"]:
        criterion["window"] = {**criterion.get("window", {}), "days": 7}
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump({**plain, "key": "short-lighthouse-os"}), "utf-8")
    return path


def exported(database: TestDatabase, folder: Path, name: str) -> None:
    frameworks = ["--framework", "lighthouse-os", "--framework", str(short_windows(folder))]
    runner = CliRunner(env={"HAIDANG_DATABASE_URL": database.url_for("haidang_evidence")})
    arguments = ["--site", "plant", *DAYS, *frameworks, "--key-file", str(folder / "key"), "-o", str(folder / name)]
    made = runner.invoke(app, ["evidence", "export", *arguments], catch_exceptions=False)
    assert made.exit_code == 0, made.output


def _name_people(plant: Plant) -> None:
    said = json.dumps({"operator": NAME, "operator_name": NAME, "note": NAME, "text": "jam"})
    with psycopg.connect(plant.database.url) as owner:
        owner.execute(
            "INSERT INTO event (site_id, asset_id, ts, kind, key, payload) "
            "SELECT site_id, asset_id, %s, 'alarm', 'E1', %s FROM asset WHERE key = %s",
            [SHIFT_START + HOUR, said, MACHINE],
        )
        owner.execute("INSERT INTO person (site_id, pseudonym, name) VALUES (%s, 'p1', %s)", [plant.site_id, NAME])


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
    assert grains.keys() == {"hour", "shift", "day", "week"}
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


def test_the_command_says_so_and_the_same_data_give_the_same_file(factory: Factory) -> None:
    database, path = factory
    exported(database, path.parent, "again.zip")
    assert (path.parent / "again.zip").read_bytes() == path.read_bytes()
    checked = CliRunner().invoke(app, ["evidence", "verify", str(path), "--key", str(KEY.public), "--json"])
    said = json.loads(checked.output)
    assert (said["good"], said["package"]["site"]) == (True, "plant")


def test_nobody_is_named_in_it(package: Path) -> None:
    held = Package.open(package)
    for name in held.members:
        content = held.read(name)
        if name.endswith(".parquet"):
            content = pl.read_parquet(content).head(1000).write_json().encode()
        for word in (NAME, json.dumps(NAME)[1:-1], "person_key"):
            assert word.encode() not in content, name
    events = held.frame(layout.raw_table("events"), layout.RAW_TABLES["events"])
    assert json.loads(events["payload"][0]) == {"text": "jam"}


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
    for number, place in enumerate(sorted(places)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << number % 8
        path.write_bytes(damaged)
        hit = [each.name for each in members.values() if each.header <= place < each.content + each.size]
        try:
            found = verify(path, KEY.public)
        except PackageError:
            assert not hit, place
        else:
            assert not found.is_good, place
            assert not hit or any(hit[0] in finding for finding in found.findings), (place, hit, found.findings)


def rewritten(package: Path, change: Callable[[Members], None], *, digests: SigningKey | None) -> Verification:
    """Change members and write the archive anew; with a key, the statement is made anew too."""
    members: Members = {name: read_member(package, each) for name, each in members_of(package).items()}
    change(members)
    if digests:
        held = Package.open(package)
        content = {name: data for name, data in members.items() if name != layout.STATEMENT and isinstance(data, bytes)}
        subjects = {name: dsse.sha256_of(data) for name, data in content.items()}
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


@pytest.mark.parametrize(
    ("change", "unsigned", "signed"),
    [
        (_more_pieces, "kpi/values.parquet: it is not what was signed", "good_quantity of line/m1, day 2026-03-02"),
        (_another_row, "2026-03-03.parquet: it is not what was signed", "are not those that the log recorded"),
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


def test_what_is_not_in_the_log_is_not_packed(factory: Factory) -> None:
    database, path = factory
    with psycopg.connect(database.url) as owner:
        owner.execute("UPDATE reading SET value = value + 1 WHERE ts = (SELECT min(ts) FROM reading)")
    runner = CliRunner(env={"HAIDANG_DATABASE_URL": database.url_for("haidang_evidence")})
    arguments = [
        "--site",
        "plant",
        *DAYS,
        "--key-file",
        str(path.parent / "key"),
        "-o",
        str(path.parent / "no.zip"),
    ]
    refused = runner.invoke(app, ["evidence", "export", *arguments])
    assert isinstance(refused.exception, PackageError)
    assert "are not those that the evidence log recorded" in str(refused.exception)
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
