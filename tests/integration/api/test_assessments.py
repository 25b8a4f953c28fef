"""Assessments over the API: who may do what, each refusal as a problem, everything in the audit log and as evidence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from polars.testing import assert_frame_equal
from starlette.testclient import TestClient

from api.app import create_app
from maturity.checkpoint import Checkpoint
from maturity.loading import framework
from maturity.log import EvidenceLog
from maturity.merkle import leaf_hash
from maturity.notes import Note, SigningKey
from maturity.read_values import kpis_of
from maturity.reading import read_facts
from store.access import create_key, open_sites
from store.pool import connect
from tests.integration.api.conftest import DAY, settings_for
from tests.support.database import Databases, TestDatabase
from tests.support.fill import OTHER_SITE, SITE, fill
from tests.support.inclusion import root_from_inclusion

FRAMES = (
    *("values", "intervals", "quality", "ledger", "devices", "records", "events", "series", "alerts"),
    *("predictions", "opened", "runs"),
)
END = datetime.now(UTC) + timedelta(days=30)
KEY = SigningKey.generate("factory.example/log")
WHO = {
    "engineer": ("engineer", SITE),
    "viewer": ("viewer", SITE),
    "assessor": ("assessor", SITE),
    "uninvited": ("assessor", SITE),
    "elsewhere": ("assessor", OTHER_SITE),
    "programme": ("programme", SITE),
}


@dataclass(frozen=True)
class Office:
    """A factory, its API and a key of each kind."""

    database: TestDatabase
    client: TestClient
    keys: dict[str, str]
    sites: dict[str, int]

    def ask(self, who: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        answer = self.client.request(method, f"/v1/{path}", headers=headers, **more)
        is_json = "json" in answer.headers["content-type"]
        return answer.status_code, answer.json() if is_json else answer.content

    def get(self, who: str, path: str, **params: Any) -> tuple[int, Any]:
        return self.ask(who, "GET", path, params=params)

    def post(self, who: str, path: str, body: Any = None, **params: Any) -> tuple[int, Any]:
        return self.ask(who, "POST", path, json=body, params=params)


@pytest.fixture(scope="module")
def office(databases: Databases) -> Iterator[Office]:
    with databases.clone() as database:
        factory = fill(database.url, DAY)
        with connect(database.url) as connection:
            keys = {
                name: create_key(connection, name, role=role, sites=[site], expires_at=END)
                for name, (role, site) in WHO.items()
            }
        with TestClient(create_app(settings_for(database)), raise_server_exceptions=False) as client:
            yield Office(database, client, keys, factory.sites)


def opened(office: Office, framework: str = "lighthouse-os") -> int:
    body = {"framework": framework, "first": DAY.isoformat(), "last": DAY.isoformat()}
    status, found = office.post("engineer", "assessments", body, site=SITE)
    assert status == 201, found
    return int(found["assessment_id"])


def test_catalogues_and_metrics_are_listed(office: Office) -> None:
    listed = {each["key"]: each for each in office.get("viewer", "frameworks")[1]["items"]}
    assert listed["lighthouse-os"]["criteria"] == 77
    whole = office.get("programme", "frameworks/lighthouse-os")[1]
    assert len(whole["criteria"]) == 77
    assert office.get("viewer", "frameworks/../../etc/passwd.yaml")[0] == 404
    assert office.get("viewer", "frameworks/x.yaml")[0] == 404
    names = [each["name"] for each in office.get("viewer", "maturity/metrics")[1]["items"]]
    assert "kpi.oee" in names


def test_an_assessor_judges_what_a_factory_opened(office: Office) -> None:
    claimed = office.post("engineer", "claims", {"key": "operational-excellence", "level": 2}, site=SITE)
    id_ = opened(office)
    assert office.post("engineer", f"assessments/{id_}/invitations", {"account": "assessor"})[0] == 201
    found = office.get("assessor", f"assessments/{id_}")[1]
    assert (found["status"], found["invited"], len(found["criteria"])) == ("open", ["assessor"], 77)
    file = {"content": b"seen", "params": {"site": SITE, "file_name": "seen.txt"}}
    status, kept = office.ask("assessor", "POST", "attachments", **file)
    assert (status, kept["sha256"]) == (201, sha256(b"seen").hexdigest())
    unknown = next(each["id"] for each in found["criteria"] if each["outcome"] == "not_assessable")
    ruling = {"criterion": unknown, "decision": "accept", "comment": "papers were seen", "attachment": kept["sha256"]}
    assert office.post("assessor", f"assessments/{id_}/decisions", ruling)[0] == 201
    for criterion in found["undecided"]:
        assert office.post("assessor", f"assessments/{id_}/finalisation")[0] == 409
        given = {"criterion": criterion, "decision": "reject", "comment": "the line stood still that day"}
        assert office.post("assessor", f"assessments/{id_}/decisions", given)[0] == 201
    status, final = office.post("assessor", f"assessments/{id_}/finalisation")
    assert (status, final["status"]) == (200, "final")
    late = office.post("assessor", f"assessments/{id_}/decisions", ruling)
    assert (late[0], late[1]["type"]) == (409, "urn:haidang:problem:assessment-settled")
    assert office.get("assessor", f"assessments/{id_}/decisions")[1]["items"][0]["account"] == "assessor"
    assert office.get("assessor", f"attachments/{kept['sha256']}", site=SITE) == (200, b"seen")
    if claimed[0] == 201:
        assert "operational-excellence" in json.dumps(final["principles"] + final["areas"])
    _is_evidence(office, id_)


def _is_evidence(office: Office, id_: int) -> None:
    with connect(office.database.url_for("haidang_evidence"), autocommit=True) as connection:
        EvidenceLog(connection).checkpoint(KEY)
    page = office.get("viewer", "evidence", site=SITE, kind="assessment_final")[1]["items"]
    assert len(page) == 1
    proof = office.get("viewer", f"evidence/{page[0]['seq']}/proof")[1]
    note = Note.parse(proof["checkpoint"])
    assert note.signed_by([KEY.public])
    assert proof["checkpoint"].encode() == office.get("programme", "evidence/checkpoint")[1]
    inclusion = proof["inclusion"]
    leaf = leaf_hash(proof["record"]["record"].encode())
    assert leaf.hex() == inclusion["leaf_hash"]
    root = Checkpoint.parse(note.text).root
    path = [bytes.fromhex(each) for each in inclusion["path"]]
    assert root_from_inclusion(leaf, inclusion["record"], inclusion["size"], path) == root
    with psycopg.connect(office.database.url) as connection:
        rows = connection.execute("SELECT DISTINCT action FROM audit_log WHERE object = %s", [SITE]).fetchall()
    actions = {row[0] for row in rows}
    assert actions >= {"view.assessment", "view.decisions", "view.attachment", "view.evidence", "view.proof"}
    assert actions >= {"assessment.open", "assessment.invite", "assessment.decide", "assessment.finalise"}


def test_who_may_not_is_told_so(office: Office) -> None:
    id_ = opened(office)
    body = {"framework": "lighthouse-os", "first": DAY.isoformat(), "last": DAY.isoformat()}
    ruling = {"criterion": "OPX-1.1", "decision": "accept"}
    invitation = {"account": "assessor"}
    refused = [
        ("assessor", "assessments", body, 403),
        ("viewer", "assessments", body, 403),
        ("assessor", "claims", {"key": "x", "level": 1}, 403),
        ("assessor", "declarations", {"metric": "declared.x", "value": 1, "statement": "x"}, 403),
        ("engineer", f"assessments/{id_}/decisions", ruling, 403),
        ("assessor", f"assessments/{id_}/decisions", ruling, 403),
        ("uninvited", f"assessments/{id_}/finalisation", None, 403),
        ("elsewhere", f"assessments/{id_}/decisions", ruling, 404),
        ("assessor", f"assessments/{id_}/invitations", invitation, 403),
        ("engineer", f"assessments/{id_}/invitations", {"account": "elsewhere"}, 422),
        ("engineer", f"assessments/{id_}/invitations", {"account": "viewer"}, 422),
        ("engineer", "assessments", {**body, "framework": "/etc/x.yaml"}, 404),
        ("engineer", "assessments", {**body, "last": "2020-01-01"}, 422),
        ("engineer", "assessments", {**body, "first": "2020-01-01", "last": "2020-01-31"}, 422),
        ("engineer", "claims", {"key": "no-such-area", "level": 1}, 422),
        ("engineer", "declarations", {"metric": "kpi.oee", "value": 1, "statement": "x"}, 422),
        ("engineer", "declarations", {"metric": "declared.pcf_shared_share", "value": 50, "statement": "x"}, 422),
        ("engineer", "declarations", {"metric": "declared.data_consumers", "value": -1, "statement": "x"}, 422),
    ]
    for who, path, given, status in refused:
        found = office.post(who, path, given, site=SITE)
        assert found[0] == status, (who, path, found)
        assert found[1]["type"].startswith("urn:haidang:problem:"), found
    assert office.get("elsewhere", f"assessments/{id_}")[0] == 404
    file = {"params": {"site": SITE, "file_name": "x"}}
    assert office.ask("uninvited", "POST", "attachments", content=b"x", **file)[0] == 403
    assert office.ask("engineer", "POST", "attachments", content=b"x" * 10_000_001, **file)[0] == 413
    named = {"params": {"site": SITE, "file_name": "../x"}}
    assert office.ask("engineer", "POST", "attachments", content=b"x", **named)[0] == 422
    assert office.get("viewer", f"attachments/{'0' * 64}", site=SITE)[0] == 403
    assert office.get("engineer", f"attachments/{'0' * 64}", site=SITE)[0] == 404


def test_a_programme_reads_summaries_only(office: Office) -> None:
    id_ = opened(office)
    listed = office.get("programme", "assessments", site=SITE, limit=1)[1]
    assert [each["assessment_id"] for each in listed["items"]] == [id_]
    again = office.get("programme", "assessments", site=SITE, limit=1, cursor=listed["next_cursor"])[1]["items"]
    assert again[0]["superseded_by"] == id_
    status, summary = office.get("programme", f"assessments/{id_}/summary")
    assert status == 200
    assert set(summary["principles"][0]) == {"key", "supported", "claimed", "confirmed"}
    assert "criteria" not in summary
    refused = ("kpis", "assets", "ledger", "intervals", "evidence", f"assessments/{id_}", "claims", "declarations")
    for path in refused:
        assert office.get("programme", path, site=SITE)[0] == 403, path


def test_statements_are_kept_with_who_made_them(office: Office) -> None:
    said = {"metric": "declared.backup_tested", "value": 1, "statement": "tested in May", "since": "2026-03-01"}
    names = [each["name"] for each in office.get("viewer", "maturity/metrics")[1]["items"]]
    said["metric"] = next(name for name in names if name.startswith("declared."))
    assert office.post("engineer", "declarations", said, site=SITE)[0] == 201
    (kept,) = office.get("viewer", "declarations", site=SITE)[1]["items"]
    assert (kept["account"], kept["statement"]) == ("engineer", "tested in May")
    areas = office.get("viewer", "frameworks/lighthouse-os")[1]["areas"]
    assert office.post("engineer", "claims", {"key": areas[0]["key"], "level": 3}, site=SITE)[0] == 201
    newest = office.get("viewer", "claims", site=SITE)[1]["items"][0]
    assert (newest["key"], newest["level"], newest["account"]) == (areas[0]["key"], 3, "engineer")


def test_opening_the_losses_counts_for_people_of_the_site(office: Office) -> None:
    def views() -> int:
        with connect(office.database.url_for("haidang_api")) as connection:
            open_sites(connection, [office.sites[SITE]])
            row = connection.execute("SELECT count(at) FROM audit_log WHERE action = 'view.losses'").fetchone()
            return int(row[0]) if row else 0

    before = views()
    office.client.post("/login", data={"key": office.keys["viewer"]}, follow_redirects=False)
    assert office.client.get("/").status_code == 200
    office.client.cookies.clear()
    assert views() == before + 1


def test_the_api_reads_the_facts_of_its_sites_alone(office: Office) -> None:
    with psycopg.connect(office.database.url) as connection:
        for site, number in office.sites.items():
            connection.execute("INSERT INTO alert (site_id, rule, from_ts) VALUES (%s, 'r', %s)", [number, DAY])
            connection.execute("INSERT INTO audit_log (at, action, object) VALUES (%s, 'view.losses', %s)", [DAY, site])
            connection.execute(
                """INSERT INTO prediction (site_id, asset_id, model, for_ts, made_at)
                   SELECT site_id, asset_id, 'm', %s, %s FROM asset WHERE site_id = %s LIMIT 1""",
                [DAY, DAY - timedelta(days=1), number],
            )
    kpis = kpis_of([framework("lighthouse-os")])
    with connect(office.database.url_for("haidang_evidence")) as connection:
        whole = read_facts(connection, SITE, DAY, kpis)
    with connect(office.database.url_for("haidang_api")) as connection:
        open_sites(connection, [office.sites[SITE]])
        seen = read_facts(connection, SITE, DAY, kpis)
        assert read_facts(connection, OTHER_SITE, DAY, kpis) is None
    assert whole is not None
    assert seen is not None
    for name in FRAMES:
        assert_frame_equal(getattr(whole, name), getattr(seen, name), check_row_order=False)
    assert {name for name in FRAMES if getattr(seen, name).height} >= {"values", "alerts", "predictions", "opened"}


def test_the_api_enters_nothing_but_what_comes_of_assessments(office: Office) -> None:
    insert = (
        "INSERT INTO evidence_log (seq, site_id, kind, object, leaf_hash, record) VALUES (%s, %s, %s, 'x', %s, '{}')"
    )
    good, own = leaf_hash(b"{}"), office.sites[SITE]
    with connect(office.database.url_for("haidang_api")) as connection:
        open_sites(connection, [own])
        row = connection.execute("SELECT evidence_size()").fetchone()
        end = int(row[0]) if row else 0
        for values in (
            (end, own, "kpi", good),
            (end, office.sites[OTHER_SITE], "assessment", good),
            (end + 1, own, "assessment", good),
            (end, own, "assessment", bytes(32)),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(insert, values)
        connection.execute(
            """INSERT INTO evidence_log (seq, site_id, kind, object, leaf_hash, record)
               SELECT %s + n, %s, 'criterion_baseline', 'x', %s, '{}' FROM generate_series(0, 1) n""",
            [end, own, good],
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT detail FROM audit_log")
        connection.rollback()
