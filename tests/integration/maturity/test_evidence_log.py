"""The evidence log in a real database: what is final enters it, and whoever changes it is named."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from maturity.audit import Audit, audit
from maturity.checkpoint import Checkpoint
from maturity.closing import close_due_days
from maturity.errors import SignatureError
from maturity.keys import write_key
from maturity.log import EvidenceLog
from maturity.merkle import leaf_hash
from maturity.notes import Note, PublicKey, SigningKey, note_of
from maturity.witness import Consistency, cosign
from pilot.cli import app
from store import evidence
from store.pool import Connection, connect
from tests.support.database import Databases, TestDatabase
from tests.support.fill import DAYS, FILLER, OEE, SITE, fill

pytestmark = pytest.mark.needs_database
DAY = date(2026, 11, 4)
KEY = SigningKey.generate("factory.example/log")


def _log_it(database: TestDatabase) -> None:
    fill(database.url, DAY)
    with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
        close_due_days(connection, KEY)


@pytest.fixture
def logged(databases: Databases) -> Iterator[TestDatabase]:
    """A factory whose final values are in the log."""
    with databases.filled("a factory with its log", _log_it) as database:
        yield database


@pytest.fixture
def log(logged: TestDatabase) -> Iterator[Connection]:
    with connect(logged.url_for("haidang_evidence"), autocommit=True) as connection:
        yield connection


def audited(connection: Connection, pinned: PublicKey | None = KEY.public) -> Audit:
    return audit(evidence.entries(connection), evidence.checkpoints(connection), pinned)


def test_what_is_final_is_entered_once(log: Connection) -> None:
    records = [json.loads(text) for _, _, text, *_ in evidence.entries(log)]
    days = {(each["site"], each["production_day"]) for each in records if each["kind"] == "kpi"}
    assert len(days) == 2 * DAYS
    (found,) = [
        each for each in records
        if (each["kind"], each.get("scope"), each.get("grain"), each.get("production_day"), each.get("site"))
        == ("kpi", FILLER, "day", DAY.isoformat(), SITE)
    ]  # fmt: skip
    assert {each["kpi"]: each["value"] for each in found["values"] if not each["variant"]}.items() >= OEE.items()
    before = evidence.size(log)
    again = close_due_days(log, KEY)
    assert (again.records, evidence.size(log)) == (0, before)
    assert audited(log).is_good
    assert audited(log).signed == before


def _revise(owner: psycopg.Connection, kpi: str) -> None:
    owner.execute(
        """INSERT INTO kpi_value (site_id, asset_id, kpi, grain, window_start, window_end, production_day, value,
               status, is_final, definition_version, config_digest, inputs_digest, revision, cause)
           SELECT site_id, asset_id, %s, grain, window_start, window_end, production_day, 0.5,
               status, is_final, 1, config_digest, inputs_digest, 2, '{late_data}' FROM kpi_value
           WHERE is_final AND superseded_at IS NULL AND grain = 'day'
           ORDER BY site_id, production_day, asset_id LIMIT 1""",
        [kpi],
    )


def test_a_revised_value_is_another_record(log: Connection, logged: TestDatabase) -> None:
    before = evidence.size(log)
    with psycopg.connect(logged.url) as owner:
        _revise(owner, "test_kpi")
    assert close_due_days(log, KEY).records == 1
    (added,) = list(evidence.entries(log))[before:]
    assert "late_data" in added[2]
    assert audited(log).is_good


def test_what_is_committed_while_its_day_is_entered_is_entered_next(
    log: Connection, logged: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes have numbers before they are committed: an older one may appear after a newer one was seen."""
    read = evidence.final_values
    with psycopg.connect(logged.url) as slow, psycopg.connect(logged.url) as fast:
        _revise(slow, "slow_kpi")
        _revise(fast, "fast_kpi")
        fast.commit()

        def read_and_commit(*day: Any) -> list[evidence.FinalValue]:
            found = read(*day)
            slow.commit()
            return found

        monkeypatch.setattr(evidence, "final_values", read_and_commit)
        close_due_days(log, KEY)
    *_, newest = evidence.entries(log)
    assert "slow_kpi" in newest[2]


@pytest.mark.parametrize("role", ["owner", "haidang_evidence", "haidang_kpi", "haidang_api"])
def test_nobody_changes_or_removes_a_record(log: Connection, logged: TestDatabase, role: str) -> None:
    assert evidence.size(log)
    url = logged.url if role == "owner" else logged.url_for(role)
    for statement in (
        "UPDATE evidence_log SET record = '{}'",
        "DELETE FROM evidence_log",
        "TRUNCATE evidence_log CASCADE",
        "UPDATE checkpoint SET root = root",
        "DELETE FROM checkpoint_signature",
    ):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "UPDATE evidence_log SET record = replace(record, '.7479', '.9') WHERE seq = {seq}",
            "Record {seq} was changed",
        ),
        ("DELETE FROM evidence_log WHERE seq = {seq}", "Records {seq} to {seq} are missing"),
        (
            "UPDATE evidence_log SET record = '{{}}', leaf_hash = {leaf} WHERE seq = {seq}",
            "not those of the checkpoint",
        ),
        ("UPDATE checkpoint SET root = sha256('x')", "are not those of the checkpoint"),
        ("DELETE FROM checkpoint_signature", "no signed note"),
        ("UPDATE evidence_log SET kind = 'raw_day' WHERE seq = {seq}", "Record {seq} was moved"),
        ("UPDATE evidence_log SET object = object || 'x' WHERE seq = {seq}", "Record {seq} was moved"),
        ("UPDATE evidence_log SET site_id = NULL WHERE seq = {seq}", "Record {seq} was moved"),
    ],
)
def test_the_audit_names_what_a_superuser_changed(
    log: Connection, logged: TestDatabase, change: str, named: str
) -> None:
    seq = next(place for place, _, text, *_ in evidence.entries(log) if "0.7479" in text)
    leaf = f"'\\x{leaf_hash(b'{}').hex()}'"
    with psycopg.connect(logged.url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(change.format(seq=seq, leaf=leaf).encode())
    found = audited(log)
    assert not found.is_good
    assert any(named.format(seq=seq) in finding for finding in found.findings), found.findings


def test_a_checkpoint_that_was_kept_elsewhere_shows_what_is_gone(log: Connection, logged: TestDatabase) -> None:
    kept = EvidenceLog(log).checkpoint(KEY)
    size = evidence.size(log)
    with psycopg.connect(logged.url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("DELETE FROM checkpoint_signature")
        superuser.execute("DELETE FROM checkpoint")
        superuser.execute("DELETE FROM evidence_log WHERE seq = %s", [size - 1])
    assert audited(log, None).is_good
    found = audit(evidence.entries(log), evidence.checkpoints(log), KEY.public, [kept, "no note"])
    assert any(f"speaks of {size}, {size - 1} are there" in each for each in found.findings), found.findings
    assert any("cannot be used" in each for each in found.findings)


def test_a_checkpoint_of_another_log_accuses_nobody_alone(log: Connection) -> None:
    stranger = SigningKey.generate("stranger.example/log")
    text = Checkpoint("stranger.example/log", 10**6, b"x" * 32).text
    found = audit(
        evidence.entries(log), evidence.checkpoints(log), KEY.public, [note_of(text, [stranger.sign_note(text)])]
    )
    assert len(found.findings) == 1
    assert "signed by no key of this log: it may be of another one" in found.findings[0]


def test_keys_rotate_and_strangers_do_not_sign(log: Connection) -> None:
    stranger, following = SigningKey.generate(KEY.name), SigningKey.generate(KEY.name)
    with pytest.raises(SignatureError, match="key rotate"):
        EvidenceLog(log).checkpoint(stranger)
    EvidenceLog(log).rotate(KEY, following.public)
    with pytest.raises(SignatureError, match="key rotate"):
        EvidenceLog(log).checkpoint(KEY)
    EvidenceLog(log).checkpoint(following)
    assert audited(log).is_good
    assert audited(log, following.public).is_good
    assert not audited(log, stranger.public).is_good


def test_a_witness_countersigns(log: Connection, logged: TestDatabase) -> None:
    witness = SigningKey.generate("witness.example")
    first = Note.parse(EvidenceLog(log).checkpoint(KEY))
    signed = Note.parse(cosign(first, KEY.public, witness))
    assert EvidenceLog(log).countersign(signed, witness.public).size == evidence.size(log)
    EvidenceLog(log).rotate(KEY, SigningKey.generate(KEY.name).public)
    tree = EvidenceLog(log).tree()
    later = tree.size
    assert Consistency.of(tree, later - 1, later).path
    assert audited(log).is_good
    with pytest.raises(SignatureError):
        EvidenceLog(log).countersign(first, witness.public)
    _audit_names_changes_of(witness.public, log, logged)


def _audit_names_changes_of(witness: PublicKey, log: Connection, logged: TestDatabase) -> None:
    """A changed signature of a witness, or another key beside it, is named as one of the log itself is."""
    with psycopg.connect(logged.url) as superuser:
        for change, named in (
            ("key = 'witness.example'", "kept under 'witness.example'"),
            (f"key = '{SigningKey.generate('other.example').public}'", "lacks the signature that is kept under 'other"),
            ("line = translate(line, 'ABCDEFGHxyz', 'BCDEFGHAyzx')", "signature"),
        ):
            superuser.execute("SET session_replication_role = replica")
            superuser.execute(f"UPDATE checkpoint_signature SET {change} WHERE key = %s".encode(), [str(witness)])
            changed = evidence.checkpoints(superuser)
            superuser.rollback()
            found = audit(evidence.entries(log), changed, KEY.public).findings
            assert any(named in each for each in found), found


def test_the_commands_append_and_audit(database: TestDatabase, tmp_path: Path) -> None:
    fill(database.url, DAY)
    write_key(tmp_path / "key", KEY)
    environment = {"HAIDANG_DATABASE_URL": database.url_for("haidang_evidence")}
    runner = CliRunner(env=environment)
    appended = runner.invoke(app, ["evidence", "append", "--key-file", str(tmp_path / "key")])
    assert appended.exit_code == 0, appended.output
    assert Note.parse(appended.stdout).signed_by([KEY.public])
    checked = runner.invoke(app, ["evidence", "audit", "--key", str(KEY.public), "--json"])
    assert (checked.exit_code, json.loads(checked.stdout)["good"]) == (0, True)
    proven = json.loads(runner.invoke(app, ["evidence", "prove", "--record", "1"]).stdout)
    assert (proven["record"], len(proven["leaf_hash"])) == (1, 64)
    with psycopg.connect(database.url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE evidence_log SET record = '{}' WHERE seq = 2")
    broken = runner.invoke(app, ["evidence", "audit"])
    assert broken.exit_code == 1
    assert "Record 2 was changed" in broken.output
