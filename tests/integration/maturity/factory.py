"""A factory of one machine in a database, with a signed and witnessed log, and packages of it by the command line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml
from typer.testing import CliRunner

from kpi.running.job import run_once
from maturity import workflow
from maturity.closing import close_due_days
from maturity.confirming import Decision
from maturity.keys import write_key
from maturity.loading import framework
from maturity.log import EvidenceLog
from maturity.notes import Note, SigningKey
from maturity.witness import cosign
from pilot.cli import app
from store import access
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.support.database import Databases, TestDatabase

KEY, WITNESS = SigningKey.generate("factory.example/log"), SigningKey.generate("witness.example")
AFTER = MONDAY + 60 * 24 * HOUR
NAME = "Nguyễn Văn An"
DAYS = ("--from", "2026-03-02", "--to", "2026-03-08")

JUDGED = "EMS-1.1"
PEOPLE = Path(__file__).with_name("people.sql")
Factory = tuple[TestDatabase, Path]


@contextmanager
def running_factory(databases: Databases, folder: Path) -> Iterator[Factory]:
    """A week of which two days were worked, the Monday after it, and a log that a witness has signed."""
    with databases.clone() as database:
        plant = Plant(database, assets=_with_operator(), reasons=[{"key": "jam", "time_class": "delay"}])
        for day in (0, 1, 7):
            plant.work_a_day(day)
        name_people(plant)
        run_once(plant.kpi_url, now=AFTER)
        judge(database)
        close(database)
        write_key(folder / "key", KEY)
        exported(database, folder, "p.zip", "--framework", "lighthouse-os", "--framework", str(short_windows(folder)))
        yield database, folder / "p.zip"


def _with_operator() -> list[dict[str, Any]]:
    """The machine says who works on it."""
    assets: list[dict[str, Any]] = document()["assets"]
    assets[-1]["series"].append({"name": "operator", "quantity": "text"})
    return assets


def close(database: TestDatabase) -> None:
    """Enter what is final, sign it, and have the witness sign it."""
    with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
        note = close_due_days(connection, KEY).note
        assert note
        signed = Note.parse(cosign(Note.parse(note), KEY.public, WITNESS))
        EvidenceLog(connection).countersign(signed, WITNESS.public)


def judge(database: TestDatabase) -> None:
    """An assessor accepts what the data say of a criterion, and names somebody in the comment."""
    with connect(database.url, autocommit=True) as owner:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        access.create_key(owner, NAME, role="assessor", sites=["plant"], expires_at=tomorrow)
        row = owner.execute("SELECT account_id FROM account WHERE name = %s", [NAME]).fetchone()
    assert row
    with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
        period = (date(2026, 3, 2), date(2026, 3, 8))
        opened = workflow.open_assessment(connection, framework("lighthouse-os"), "plant", period)
        number = opened.stored.assessment_id
        workflow.invite(connection, number, NAME)
        workflow.decide(connection, number, row[0], workflow.Ruling(JUDGED, Decision.ACCEPT, f"seen with {NAME}"))


def short_windows(folder: Path) -> Path:
    """Lighthouse OS with windows as long as the package: its criteria can be judged on so few days."""
    plain = framework("lighthouse-os").plain()
    for criterion in plain["criteria"]:
        criterion["window"] = {**criterion.get("window", {}), "days": 7}
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump({**plain, "key": "short-lighthouse-os"}), "utf-8")
    return path


def export(database: TestDatabase, folder: Path, name: str, *options: str, days: tuple[str, ...] = DAYS) -> str:
    """Export with the key of the folder; gives what is said."""
    runner = CliRunner(env={"HAIDANG_DATABASE_URL": database.url_for("haidang_evidence")})
    arguments = ["--site", "plant", *days, *options, "--key-file", str(folder / "key"), "-o", str(folder / name)]
    made = runner.invoke(app, ["evidence", "export", *arguments])
    return f"{made.output}{made.exception or ''}"


def exported(database: TestDatabase, folder: Path, name: str, *options: str, days: tuple[str, ...] = DAYS) -> Path:
    """Export; it must go well."""
    said = export(database, folder, name, *options, days=days)
    assert (folder / name).exists(), said
    return folder / name


def name_people(plant: Plant) -> None:
    """Put a name wherever people, machines or other systems may have put one; what they say counts all the same."""
    said: dict[str, Any] = {
        "operator": NAME,
        "operator_name": NAME,
        "note": NAME,
        "text": NAME,
        "rule": NAME,
        "who": [NAME],
        NAME: {"by": NAME},
    }
    said |= {"flagged_by": NAME, "by": NAME, "good": 3, "total": 4, "work_s": 60, "quantity": 5, "duration_s": 30}
    given = {"site": plant.site_id, "machine": MACHINE, "name": NAME, "said": json.dumps(said)}
    given |= {"at": SHIFT_START + HOUR, "to": SHIFT_START + 2 * HOUR}
    with psycopg.connect(plant.database.url, cursor_factory=psycopg.ClientCursor) as owner:
        owner.execute(PEOPLE.read_text("utf-8"), given)
    plant.put("operator", [(SHIFT_START, NAME), (SHIFT_START + HOUR, f"{NAME} 2")])
