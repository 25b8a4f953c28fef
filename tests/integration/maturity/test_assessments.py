"""The way of an assessment by commands: opened, judged by an invited assessor, final, and then fixed for everybody."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from maturity import workflow
from maturity.audit import audit
from maturity.confirming import Decision
from maturity.errors import AssessmentError, MaturityError, NotInvitedError, SettledAssessmentError, TamperedLogError
from maturity.loading import framework
from maturity.workflow import Ruling, decide, finalise, invite, open_assessment, read
from pilot.cli import app
from store import access, evidence
from store.errors import InvalidConfigurationError
from store.pool import Connection, connect
from tests.support.database import Databases, TestDatabase
from tests.support.fill import OTHER_SITE, SITE, fill
from tests.support.waiting import wait_until
from tests.unit.maturity.plain import catalogue, criterion

pytestmark = pytest.mark.needs_database
DAY = date(2026, 11, 4)
PERIOD = "2026-11-01:2026-11-04"
END = datetime.now(UTC) + timedelta(days=30)
RATIO = {"metric": "kpi.oee", "scope": "machines", "compare": {"operator": ">=", "value": 0.1}}
WINDOW = {"window": {"days": 2}, "data_gate": {"min_completeness": 0.0}}


def small_catalogue(folder: Path) -> Path:
    """Two criteria that the data support, one that they contradict, one of which they say nothing."""
    path = folder / "small.yaml"
    high = {**RATIO, "compare": {"operator": ">=", "value": 0.99}}
    given = catalogue(
        criterion("AA-1.1", 1, conditions=[RATIO], **WINDOW),
        criterion("AA-1.2", 1, conditions=[RATIO], **WINDOW),
        criterion("AA-2.1", 2, conditions=[high], **WINDOW),
        criterion("AA-3.1", 3, conditions=[{**RATIO, "metric": "kpi.nee"}], **WINDOW),
    )
    path.write_text(json.dumps(given), "utf-8")  # JSON is YAML
    return path


def _staffed(database: TestDatabase) -> None:
    fill(database.url, DAY)
    with connect(database.url) as connection:
        for name, role, site in (
            ("assessor", "assessor", SITE),
            ("elsewhere", "assessor", OTHER_SITE),
            ("both", "assessor", SITE),
            ("both", "engineer", SITE),
        ):
            access.create_key(connection, name, role=role, sites=[site], expires_at=END)


@pytest.fixture
def factory(databases: Databases) -> Iterator[TestDatabase]:
    """A small factory with an assessor, a stranger and an engineer."""
    with databases.filled("a factory with assessors", _staffed) as database:
        yield database


def run(factory: TestDatabase, *words: str) -> Result:
    url = factory.url_for("haidang_evidence")
    return CliRunner().invoke(app, ["maturity", *words, "--database-url", url], env={"COLUMNS": "200"})


def shown(factory: TestDatabase, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(factory, "show", str(number), "--format", "json").output)
    return found


def test_an_assessment_goes_its_way_by_commands(factory: TestDatabase, tmp_path: Path) -> None:
    file, document = str(small_catalogue(tmp_path)), tmp_path / "minutes.txt"
    document.write_text("seen on the shop floor", "utf-8")
    assert run(factory, "claim", "--site", SITE, "--key", "work", "--level", "2", "--framework", file).exit_code == 0
    opened = run(factory, "open", "--site", SITE, "--framework", file, "--period", PERIOD)
    assert "Assessment 1:" in opened.output, (opened.output, opened.exception)
    assert "haidang maturity invite 1" in opened.output
    assert "haidang maturity list" in str(run(factory, "show", "99").exception)
    assert "haidang maturity invite 1" in run(factory, "show", "1").output
    assert run(factory, "invite", "1", "--account", "assessor").exit_code == 0
    early = run(factory, "finalise", "1")
    assert isinstance(early.exception, SettledAssessmentError)
    assert "no decision on AA-1.1, AA-1.2, AA-2.1" in str(early.exception)
    assert run(factory, "decide", "1", "AA-1.1", "accept").exit_code == 0
    assert isinstance(run(factory, "decide", "1", "AA-1.2", "not_applicable").exception, AssessmentError)
    why = ("--comment", "this line has no such machine", "--attachment", str(document))
    assert "attachment" in run(factory, "decide", "1", "AA-1.2", "not_applicable", *why).output
    assert "It can be final now" in run(factory, "decide", "1", "AA-2.1", "reject").output
    found = shown(factory)
    (area,) = found["areas"]
    assert (area["supported"], area["claimed"], area["confirmed"]) == (1, 2, 1)
    table = run(factory, "show", "1").output
    assert "not applicable" in table
    assert "this line has no such machine" in table
    assert "is final" in run(factory, "finalise", "1").output
    assert (shown(factory)["status"], shown(factory)["undecided"]) == ("final", [])
    assert isinstance(run(factory, "decide", "1", "AA-1.1", "reject").exception, SettledAssessmentError)
    again = run(factory, "open", "--site", SITE, "--framework", file, "--period", PERIOD)
    assert "supersedes assessment 1" in again.output
    listed = run(factory, "list", "--site", SITE).output
    assert "final, superseded by 2" in listed
    _entered(factory)


def test_an_assessor_decides_as_long_as_the_key_lasts(factory: TestDatabase, tmp_path: Path) -> None:
    small = framework(str(small_catalogue(tmp_path)))
    with connect(factory.url, autocommit=True) as owner:
        id_ = open_assessment(owner, small, SITE, (DAY, DAY)).stored.assessment_id
        by = invite(owner, id_, "assessor").invited[0]["account_id"]
        decide(owner, id_, by, Ruling("AA-1.1", Decision.ACCEPT))
        access.create_key(owner, "assessor", role="engineer", sites=[SITE], expires_at=END)
        with pytest.raises(NotInvitedError, match="nobody judges own work"):
            decide(owner, id_, by, Ruling("AA-1.1", Decision.REJECT, "changed my mind"))
        owner.execute("UPDATE api_key SET revoked_at = now()")
        with pytest.raises(NotInvitedError, match="no usable key"):
            decide(owner, id_, by, Ruling("AA-1.2", Decision.ACCEPT))
        with pytest.raises(NotInvitedError, match="no usable key"):
            finalise(owner, id_, by)
        owner.execute(
            """INSERT INTO assessor_decision (assessment_id, site_id, criterion, decision, account_id, at)
            SELECT assessment_id, site_id, 'AA-1.2', 'accept', %s, '2020-01-01' FROM assessment""",
            [by],
        )
        assert [each.at.year for each in read(owner, id_).decisions] == [datetime.now(UTC).year] * 2
    with connect(factory.url_for("haidang_api"), autocommit=True) as api:
        api.execute("SELECT set_config('haidang.site_ids', '{1,2,3}', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(
                """INSERT INTO assessment (site_id, framework, framework_version, catalogue_digest, first_day, last_day,
                result, origin) SELECT site_id, framework, 1, catalogue_digest, first_day, last_day, '{}', 'imported'
                FROM assessment"""
            )


@pytest.mark.parametrize("late", ["finalise", "decide"])
def test_who_comes_while_an_assessment_becomes_final_is_refused(
    factory: TestDatabase, tmp_path: Path, late: str
) -> None:
    small = framework(str(small_catalogue(tmp_path)))
    with connect(factory.url_for("haidang_evidence"), autocommit=True) as first:
        id_ = open_assessment(first, small, SITE, (DAY, DAY)).stored.assessment_id
        by = invite(first, id_, "assessor").invited[0]["account_id"]
        for name in ("AA-1.1", "AA-1.2"):
            decide(first, id_, by, Ruling(name, Decision.ACCEPT))
        decide(first, id_, by, Ruling("AA-2.1", Decision.REJECT))

        def come() -> None:
            with connect(factory.url_for("haidang_evidence"), "late", autocommit=True) as second:
                if late == "decide":
                    decide(second, id_, by, Ruling("AA-1.1", Decision.REJECT, "too late for that"))
                else:
                    finalise(second, id_, by)

        with ThreadPoolExecutor(1) as pool:
            with first.transaction():
                finalise(first, id_, by)
                coming = pool.submit(come)
                wait_until(lambda: _waits(factory), timeout_s=20, what="the second one to wait for the first")
            with pytest.raises(SettledAssessmentError, match="is final"):
                coming.result(timeout=20)
        assert read(first, id_).status == "final"
        kinds = [row[3] for row in evidence.entries(first)]
    assert (kinds.count("assessment_final"), kinds.count("assessor_decision")) == (1, 3)


def _waits(factory: TestDatabase) -> bool:
    with psycopg.connect(factory.url) as owner:
        row = owner.execute(
            "SELECT FROM pg_stat_activity WHERE application_name LIKE '%late%' AND wait_event_type = 'Lock'"
        ).fetchone()
    return row is not None


def _entered(factory: TestDatabase) -> None:
    """Every step is in the log, without names or comments, and in the audit log."""
    with connect(factory.url_for("haidang_evidence")) as connection:
        texts = [text for _, _, text, *_ in evidence.entries(connection)]
        kinds = [json.loads(text)["kind"] for text in texts]
        wanted = ["assessment", "assessor_decision", "assessor_decision", "assessor_decision", "assessment_final"]
        assert [each for each in kinds if each in {*wanted}] == [*wanted, "assessment"]
        assert not any("such machine" in text or '"assessor"' in text for text in texts)
        final = next(json.loads(text) for text in texts if "assessment_final" in text)
        assert final["confirmed"] == {"work": 1, "p": 1}
        assert audit(evidence.entries(connection), evidence.checkpoints(connection), None).records == len(texts)
        actions = [row[0] for row in connection.execute("SELECT action FROM audit_log ORDER BY audit_log_id")]
    steps = ["open", "invite", "decide", "decide", "decide", "finalise", "open"]
    assert actions.count("view.assessment") == 5
    assert [each for each in actions if each.startswith("assessment.")] == [f"assessment.{step}" for step in steps]


@pytest.mark.parametrize("role", ["owner", "haidang_evidence", "haidang_api"])
def test_what_is_final_is_fixed_for_every_role(factory: TestDatabase, tmp_path: Path, role: str) -> None:
    catalogue_ = framework(str(small_catalogue(tmp_path)))
    with connect(factory.url_for("haidang_evidence"), autocommit=True) as connection:
        id_ = open_assessment(connection, catalogue_, SITE, (DAY, DAY)).stored.assessment_id
        by = invite(connection, id_, "assessor").invited[0]["account_id"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="invited"):
            connection.execute("UPDATE assessment SET finalized_at = now(), finalized_by = 2")
        for name, given in (("AA-1.1", "accept"), ("AA-1.2", "accept"), ("AA-2.1", "reject")):
            decide(connection, id_, by, Ruling(name, Decision(given)))
        finalise(connection, id_, by)
    statements = (
        "UPDATE assessment SET finalized_at = NULL",
        "UPDATE assessment SET result = '{}'",
        "DELETE FROM assessment",
        "TRUNCATE assessment CASCADE",
        "UPDATE assessor_decision SET decision = 'accept'",
        "DELETE FROM assessor_decision",
        """INSERT INTO assessor_decision (assessment_id, site_id, criterion, decision, account_id)
           SELECT assessment_id, site_id, criterion, 'accept', account_id FROM assessor_decision""",
        "UPDATE framework_version SET content = '{}'",
    )
    url = factory.url if role == "owner" else factory.url_for(role)
    for statement in statements:
        with connect(url) as connection:
            access.open_sites(connection, [row[0] for row in connection.execute("SELECT site_id FROM site")])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_refusals_say_what_is_wrong(factory: TestDatabase, tmp_path: Path) -> None:
    catalogue_ = framework(str(small_catalogue(tmp_path)))

    def refused(connection: Connection, kind: type[MaturityError], match: str, *given: object) -> None:
        step, *arguments = given
        with pytest.raises(kind, match=match):
            step(connection, *arguments)  # type: ignore[operator]

    with connect(factory.url_for("haidang_evidence"), autocommit=True) as connection:
        far = (date(2027, 1, 1), date(2027, 1, 31))
        refused(connection, AssessmentError, "no data in the period", open_assessment, catalogue_, SITE, far)
        id_ = open_assessment(connection, catalogue_, SITE, (DAY, DAY)).stored.assessment_id
        refused(connection, AssessmentError, "no assessment 99", read, 99)
        refused(connection, AssessmentError, "no usable key", invite, id_, "nobody")
        refused(connection, AssessmentError, "may not see the site", invite, id_, "elsewhere")
        refused(connection, AssessmentError, "own work", invite, id_, "both")
        refused(connection, NotInvitedError, "not invited", decide, id_, 1, Ruling("AA-1.1", Decision.ACCEPT))
        refused(connection, NotInvitedError, "not invited", finalise, id_, 1)
        by = invite(connection, id_, "assessor").invited[0]["account_id"]
        refused(connection, AssessmentError, "no criterion", decide, id_, by, Ruling("ZZ-9.9", Decision.ACCEPT))
        lost = Ruling("AA-1.1", Decision.ACCEPT, attachment="0" * 64)
        refused(connection, AssessmentError, "no attachment", decide, id_, by, lost)
        short = Ruling("AA-2.1", Decision.ACCEPT, "trust me")
        refused(connection, AssessmentError, "contradicted", decide, id_, by, short)
        open_assessment(connection, catalogue_, SITE, (DAY, DAY))
        refused(connection, SettledAssessmentError, "superseded by", decide, id_, by, Ruling("AA-1.1", Decision.ACCEPT))


def test_a_catalogue_that_was_changed_is_not_used(factory: TestDatabase, tmp_path: Path) -> None:
    with connect(factory.url_for("haidang_evidence"), autocommit=True) as connection:
        catalogue_ = framework(str(small_catalogue(tmp_path)))
        id_ = open_assessment(connection, catalogue_, SITE, (DAY, DAY)).stored.assessment_id
        with psycopg.connect(factory.url) as superuser:
            superuser.execute("SET session_replication_role = replica")
            superuser.execute("UPDATE framework_version SET content = content || '{\"version\": 2}'")
        workflow._KNOWN.clear()
        with pytest.raises(TamperedLogError, match="not what its digest says"):
            read(connection, id_)


def test_an_assessors_key_ends_within_a_year(factory: TestDatabase) -> None:
    with connect(factory.url) as connection:
        for end in (None, datetime.now(UTC) + timedelta(days=400)):
            with pytest.raises(InvalidConfigurationError, match="within a year"):
                access.create_key(connection, "assessor", role="assessor", sites=[SITE], expires_at=end)
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute("UPDATE api_key SET expires_at = NULL WHERE role = 'assessor'")
        connection.execute("ALTER TABLE api_key DROP CONSTRAINT assessor_has_an_end")  # as before the migration
        connection.execute("UPDATE api_key SET expires_at = NULL")
        step = files("store") / "migrations" / "versions" / "0004_evidence" / "40_access.sql"
        connection.execute(step.read_text("utf-8").encode())
        found = connection.execute("SELECT DISTINCT role, expires_at - now() FROM api_key ORDER BY 1").fetchall()
        assert found == [("assessor", timedelta(days=30)), ("engineer", None)]
