"""The report of a site of the database: assessed now, or kept with an assessor's decisions; it leaves names out."""

import html
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pilot.cli import app
from pilot.errors import PilotError
from store import access
from store.pool import connect
from tests.integration.maturity.test_assessments import small_catalogue
from tests.support.database import TestDatabase
from tests.support.fill import SITE, fill

pytestmark = pytest.mark.needs_database
DAY = date(2026, 11, 4)
PERIOD = "2026-11-01:2026-11-04"
ASSESSOR = "tran-van-x"


def run(database: TestDatabase, *words: str) -> Result:
    url = database.url_for("haidang_evidence")
    return CliRunner().invoke(app, ["maturity", *words, "--database-url", url], env={"COLUMNS": "200"})


def test_the_report_tells_what_data_say_and_then_what_the_assessor_decided(
    database: TestDatabase, tmp_path: Path
) -> None:
    fill(database.url, DAY)
    with connect(database.url) as connection:
        end = datetime.now(UTC) + timedelta(days=30)
        access.create_key(connection, ASSESSOR, role="assessor", sites=[SITE], expires_at=end)
    of_site = ("--site", SITE, "--period", PERIOD, "--framework", str(small_catalogue(tmp_path)))
    file = tmp_path / "report.html"

    def written(language: str) -> str:
        done = run(database, "report", *of_site, "-o", str(file), "--language", language)
        assert done.exit_code == 0, (done.output, done.exception)
        return html.unescape(file.read_text("utf-8"))

    assert "No assessor has decided yet." in written("en")
    assert run(database, "open", *of_site).exit_code == 0
    assert run(database, "invite", "1", "--account", ASSESSOR).exit_code == 0
    why = ("--comment", "the <b>line</b> was not running")
    assert run(database, "decide", "1", "AA-1.1", "reject", *why).exit_code == 0
    told = written("vi")
    assert "đã quyết định 1 trên 4 tiêu chí" in told
    assert "the <b>line</b> was not running" in told
    assert "&lt;b&gt;line" in file.read_text("utf-8")
    assert ASSESSOR not in told
    assert "01/11/2026 – 04/11/2026" in told
    assert told.count("data:image/svg+xml") > 1  # key figures of the period are drawn
    refused = run(database, "report", *of_site, "-o", str(tmp_path / "report.txt"))
    assert isinstance(refused.exception, PilotError)
