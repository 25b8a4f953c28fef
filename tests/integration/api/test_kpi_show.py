"""`haidang kpi show` and the API read the same values."""

import json
from datetime import timedelta

from typer.testing import CliRunner

from pilot.cli import app
from tests.integration.api.conftest import DAY, Served
from tests.support.fill import FILLER, SITE


def test_the_command_shows_what_the_api_gives(served: Served) -> None:
    common = ["kpi", "show", "--kpi", "oee", "--site", SITE, "--asset", FILLER, "--format", "json"]
    days = ["--from", str(DAY - timedelta(days=1)), "--to", str(DAY)]
    result = CliRunner().invoke(app, [*common, *days, "--database-url", served.database.url])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    question = {"site": SITE, "asset": FILLER, "from": str(DAY - timedelta(days=1)), "to": str(DAY + timedelta(days=1))}
    answer = served.client.get("/v1/kpis/oee/values", params={**question, "variant": ""}, headers=served.headers())
    given = answer.json()["items"]
    assert [(row["production_day"], row["value"], row["revision"]) for row in shown] == [
        (row["production_day"], row["value"], row["revision"]) for row in given
    ]
    assert str(DAY) in {row["production_day"] for row in shown}
