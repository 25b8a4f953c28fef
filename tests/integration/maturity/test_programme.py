"""A programme: keys are trusted, summaries come in, sites are shown beside each other; by commands and over the API."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from api.app import create_app
from api.settings import ApiSettings
from maturity.errors import ProgrammeError, SignatureError
from maturity.framework import Framework
from maturity.loading import framework as load
from maturity.notes import SigningKey
from maturity.programme.summary import sign, summarise
from maturity.workflow import open_assessment, read
from pilot.cli import app
from store.access import create_key
from store.errors import InvalidConfigurationError
from store.pool import connect
from tests.support.database import TestDatabase
from tests.support.fill import SITE, fill
from tests.unit.maturity.test_programme import CATALOGUE, assessed

pytestmark = pytest.mark.needs_database
MADE = datetime(2026, 11, 1, 8, tzinfo=UTC)


def run(database: TestDatabase, *words: str) -> Result:
    url = database.url_for("haidang_evidence")
    return CliRunner().invoke(app, ["programme", *words, "--database-url", url], env={"COLUMNS": "200"})


def summary_file(
    folder: Path, site: str, oee: float, key: SigningKey, made_at: datetime = MADE, *, catalogue: Framework = CATALOGUE
) -> Path:
    found = replace(assessed(site, oee, 2, catalogue), confirmed={})
    path = folder / f"{site}-{made_at:%Y%m%d%H%M}-{oee}.json"
    path.write_bytes(sign(summarise(found, made_at), found.plain, key))
    return path


def trust(database: TestDatabase, site: str) -> SigningKey:
    key = SigningKey.generate(f"{site}.example/log")
    assert run(database, "trust", str(key.public), "--site", site, "--name", f"Factory {site}").exit_code == 0
    return key


def test_summaries_of_many_sites_become_a_programme(database: TestDatabase, tmp_path: Path) -> None:
    for number, oee in enumerate((0.6, 0.7, 0.4, 0.3, 0.2)):
        key = trust(database, f"plant-{number}")
        taken = run(database, "import", str(summary_file(tmp_path, f"plant-{number}", oee, key)))
        assert "taken in as assessment" in taken.output, (taken.output, taken.exception)
    shown = json.loads(run(database, "show", "--framework", "test", "--format", "json").output)
    assert [(each["site"], each["supported"]["p"]) for each in shown["sites"]][:3] == [
        ("plant-0", 1),
        ("plant-1", 1),
        ("plant-2", 0),
    ]
    assert shown["claims"][0]["above"] == 5
    assert shown["groups"][0] == {"group": "T0", "sites": 3, "opens": 3}
    table = run(database, "show", "--framework", "test").output
    assert "plant-3" in table
    hidden = run(database, "show", "--framework", "test", "--anonymous")
    assert hidden.exit_code == 0
    assert "plant-" not in hidden.output
    few = run(database, "show", "--framework", "test", "--anonymous", "--min-sites", "6")
    assert isinstance(few.exception, ProgrammeError)
    assert "at least 6 sites; there are 5" in str(few.exception)
    _over_the_api(database)


def _over_the_api(database: TestDatabase) -> None:
    """The same for keys of a programme; four sites are too few to hide among."""
    with connect(database.url) as connection:
        every = create_key(connection, "programme", role="programme", sites="all")
        four = create_key(connection, "four", role="programme", sites=[f"plant-{number}" for number in range(4)])
        viewer = create_key(connection, "viewer", role="viewer", sites="all")
    settings = ApiSettings(database_url=database.url_for("haidang_api"), session_secret="0123456789abcdef" * 4)  # type: ignore[arg-type]
    with TestClient(create_app(settings)) as client:

        def asked(key: str, **query: str) -> tuple[int, dict[str, object]]:
            headers = {"Authorization": f"Bearer {key}"}
            answer = client.get("/v1/programme", params={"framework": "test", **query}, headers=headers)
            return answer.status_code, answer.json()

        status, found = asked(every)
        assert (status, found["compared"], found["bands_refused"]) == (200, 5, None)
        assert asked(every, anonymous="true")[1]["sites"] == []
        status, found = asked(four)
        assert (status, found["compared"], found["bands"]) == (200, 4, None)
        status, found = asked(four, anonymous="true")
        assert (status, found["detail"]) == (
            409,
            "Comparison bands need at least 5 sites; there are 4 with the same catalogue.",
        )
        assert asked(viewer)[0] == 403


def test_the_newest_summary_counts_and_what_is_wrong_is_refused(database: TestDatabase, tmp_path: Path) -> None:
    key, other = trust(database, "plant"), trust(database, "other")
    first = summary_file(tmp_path, "plant", 0.6, key)
    newer = summary_file(tmp_path, "plant", 0.3, key, MADE + timedelta(hours=1))
    assert run(database, "import", str(newer)).exit_code == 0
    replayed = run(database, "import", str(first))
    assert isinstance(replayed.exception, ProgrammeError)
    assert "a newer one of the period, made at 2026-11-01T09:00:00" in str(replayed.exception)
    assert "was here already" in run(database, "import", str(newer)).output
    newest = summary_file(tmp_path, "plant", 0.6, key, MADE + timedelta(hours=2))
    assert "as assessment 2" in run(database, "import", str(newest)).output
    stranger = summary_file(tmp_path, "plant", 0.6, SigningKey.generate("plant.example/log"))
    assert "signed by no key that is trusted" in str(run(database, "import", str(stranger)).exception)
    none = tmp_path / "notes.txt"
    none.write_text("not ours")
    assert "neither a signed summary nor a package" in str(run(database, "import", str(none)).exception)
    foreign = summary_file(tmp_path, "plant", 0.7, other)
    assert "is trusted for other, not for plant" in str(run(database, "import", str(foreign)).exception)
    changed = tmp_path / "changed.json"
    changed.write_bytes(newest.read_bytes().replace(b'"payload":"ey', b'"payload":"eZ'))
    assert isinstance(run(database, "import", str(changed)).exception, SignatureError)
    assert run(database, "distrust", str(key.public), "--site", "plant").exit_code == 0
    later = summary_file(tmp_path, "plant", 0.7, key, MADE + timedelta(hours=3))
    assert "signed by no key that is trusted" in str(run(database, "import", str(later)).exception)
    assert "not trusted" in str(run(database, "distrust", str(key.public), "--site", "plant").exception)
    with connect(database.url) as connection:
        rows = connection.execute("SELECT origin, number, supersedes FROM assessment ORDER BY assessment_id").fetchall()
        assert rows == [("imported", 1, None), ("imported", 2, 1)]
        kept = read(connection, 2)
        assert (kept.status, kept.undecided, kept.summary()["counts"]["supported"]) == ("imported", [], 2)
        assert kept.plain()["principles"][0]["supported"] == 1
        assert connection.execute("SELECT origin FROM site WHERE key = 'plant'").fetchone() == ("imported",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute("UPDATE programme_import SET made_at = now()")


def test_another_version_of_the_framework_is_noted(database: TestDatabase, tmp_path: Path) -> None:
    key = trust(database, "plant")
    changed = Framework.model_validate({**CATALOGUE.plain(), "key": "siri", "version": 7})
    taken = run(database, "import", str(summary_file(tmp_path, "plant", 0.6, key, catalogue=changed)))
    here = load("siri").version
    assert f"assessed with version 7 of siri, which differs from the version {here} here" in taken.output


def test_a_measured_site_hands_over_its_own_summary(database: TestDatabase, tmp_path: Path) -> None:
    fill(database.url, date(2026, 11, 4))
    key_file, written = tmp_path / "key", tmp_path / "summary.json"
    key = SigningKey.generate("factory.example/log")
    key_file.write_text(key.secret, "ascii")
    key_file.chmod(0o600)
    words = ("--site", SITE, "--period", "2026-11-01:2026-11-04", "--framework", "siri", "--key-file", str(key_file))
    made = run(database, "summary", *words, "-o", str(written))
    assert made.exit_code == 0, (made.output, made.exception)
    assert "signed by factory.example/log" in made.output
    with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
        open_assessment(connection, load("siri"), SITE, (date(2026, 11, 1), date(2026, 11, 4)))
    assert run(database, "summary", *words, "-o", str(written)).exit_code == 0
    (here,) = json.loads(run(database, "show", "--framework", "siri", "--format", "json").output)["sites"]
    assert (here["site"], here["origin"], here["confirmed"]) == (SITE, "local", {})
    assert "is no site key" in str(run(database, "trust", str(key.public), "--site", "Nhà máy 1").exception)
    refused = run(database, "trust", str(key.public), "--site", SITE)
    assert isinstance(refused.exception, InvalidConfigurationError)
    assert "is measured in this database" in str(refused.exception)
    with connect(database.url) as connection:
        connection.execute("UPDATE site SET key = key || '-here'")
    assert run(database, "trust", str(key.public), "--site", SITE).exit_code == 0
    assert "taken in" in run(database, "import", str(written)).output
    both = json.loads(run(database, "show", "--framework", "siri", "--format", "json").output)["sites"]
    assert {each["origin"] for each in both} == {"local", "imported"}
    assert both[0]["supported"] == both[1]["supported"]
