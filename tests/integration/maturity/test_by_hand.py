"""What docs/verify-by-hand.md and docs/threat-model.md tell a stranger to type does what they say, word by word."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

from maturity.package import layout
from maturity.package.content import Package
from tests.integration.maturity.factory import KEY, Factory
from tests.support.paths import ROOT
from tests.support.required import missing

pytestmark = pytest.mark.needs_database
TOOLS = ("unzip", "openssl", "sha256sum")
# psql is not everywhere: the commands of the page go through this.
PSQL = """#!{python}
import os, sys, psycopg
assert sys.argv[1] == "-c"
with psycopg.connect(os.environ["OWNER_URL"]) as owner:
    owner.execute(sys.argv[2])
"""


def blocks(page: str) -> list[str]:
    """The commands of a page, block by block."""
    return re.findall(r"^```(?:sh)?\n(.*?)^```$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


class Shell:
    """Runs commands in a folder, with the tools of this checkout first on the path."""

    def __init__(self, folder: Path, **more: str) -> None:
        path = f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.folder = folder
        self.environment = {**os.environ, "PATH": path, "COLUMNS": "300", "TERM": "dumb", **more}

    def run(self, commands: str) -> str:
        done = subprocess.run(
            ["bash", "-c", commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr


@pytest.fixture
def shell(package: Path, tmp_path: Path) -> Shell:
    for tool in TOOLS:
        if shutil.which(tool) is None:
            missing(tool, "it is not installed")
    shutil.copy(package, tmp_path / "FILE.zip")
    return Shell(tmp_path)


def test_a_package_is_checked_with_standard_tools(shell: Shell, package: Path) -> None:
    first, *rest = blocks("verify-by-hand.md")
    key = re.sub(r"KEY='[^']*'.*", f"KEY='{KEY.public}'", first)
    assert key != first
    assert shell.run(key) == ""
    inside = Shell(shell.folder / "package", KEY=str(KEY.public))
    said = [inside.run(block) for block in rest]
    key_id = str(KEY.public).split("+")[1]
    verified = "Signature Verified Successfully"
    assert said[0] == ""
    assert said[1].startswith(f"signed by {KEY.public.name}+{key_id}\n")
    assert verified in said[1]
    assert said[2] == "every member is what was signed\nnothing is missing or added\n"
    assert "the records lead to the root of the log of" in said[3]
    assert f"signature 0: {KEY.public.name}, key {key_id}" in said[3]
    assert verified in said[3]
    lines = said[4].splitlines()
    assert "equal 2026-03-03 plant/line/m1/good_count" in lines
    assert all(line.startswith("equal ") for line in lines)
    values = Package.open(package).frame(layout.VALUES_FILE, layout.VALUES)
    day = values.filter(pl.col("kpi") == "good_quantity", pl.col("grain") == "day", pl.col("scope") == "line/m1")
    pieces = dict(day.select(pl.col("production_day").cast(pl.String), "value").iter_rows())["2026-03-03"]
    context = said[5].splitlines()
    assert len(context) == 3 * 7 + 1
    assert {"equal 2026-03-02 events", "equal 2026-03-02 carry", "equal 2026-03-02 records"} < set(context)
    assert all(line.startswith("equal ") for line in context)
    assert said[6] == f"{pieces} pieces between the first and last reading\n"


def test_what_is_changed_is_found_with_standard_tools(shell: Shell) -> None:
    first, key, signature, digests, log, rows, context, _ = blocks("verify-by-hand.md")
    shell.run(re.sub(r"KEY='[^']*'.*", f"KEY='{KEY.public}'", first))
    inside = Shell(shell.folder / "package", KEY=str(KEY.public))
    inside.run(key + signature)  # the statement as it was signed
    reading = inside.folder / layout.readings_of(date(2026, 3, 3))
    pl.read_parquet(reading).with_columns(pl.col("value") + 1).write_parquet(reading)
    events = inside.folder / layout.raw_table("events")
    pl.read_parquet(events).with_columns(pl.col("ts") + 1).write_parquet(events)
    inside.run("sed -i '1s/2/3/' log/records.jsonl; sed -i 's/application/applicatiom/' statement.dsse.json; touch new")
    found = inside.run(digests)
    assert "raw/readings/2026-03-03.parquet: FAILED" in found
    assert "log/records.jsonl: FAILED" in found
    assert "> new" in found
    assert "every member is what was signed" not in found
    assert "not the signed log" in inside.run(log)
    assert "DIFFERENT 2026-03-03 plant/line/m1/good_count" in inside.run(rows)
    assert "DIFFERENT 2026-03-02 events" in inside.run(context)
    assert "Signature Verified Successfully" not in inside.run(signature)


@pytest.fixture
def kept_log(packed: Factory) -> Iterator[Factory]:
    """The database, of which the log is put back afterwards."""
    with psycopg.connect(packed[0].url) as owner:
        owner.execute("CREATE TABLE kept_log AS SELECT * FROM evidence_log")
    yield packed
    with psycopg.connect(packed[0].url) as owner:
        owner.execute("ALTER TABLE evidence_log DISABLE TRIGGER USER; DELETE FROM evidence_log")
        owner.execute("INSERT INTO evidence_log SELECT * FROM kept_log; DROP TABLE kept_log")
        owner.execute("ALTER TABLE evidence_log ENABLE TRIGGER USER")


def test_what_the_threat_model_lets_one_see_is_seen(shell: Shell, kept_log: Factory) -> None:
    """Every command of its last section as it stands there, with the answer that its comment promises."""
    database, _ = kept_log
    program = shell.folder / "psql"
    program.write_text(PSQL.format(python=sys.executable), "utf-8")
    program.chmod(0o755)
    (shell.folder / "FACTORY.pub").write_text(f"{KEY.public}\n", "utf-8")
    of_database = {"OWNER_URL": database.url, "HAIDANG_DATABASE_URL": database.url_for("haidang_evidence")}
    own = Shell(shell.folder, **of_database)
    (block,) = blocks("threat-model.md")
    said = []
    for line in block.splitlines():
        command, _, promised = line.partition("#")
        said.append((own.run(command), promised.strip()))
    audits = [(answer, promised) for answer, promised in said if promised]
    assert len(audits) == 3
    for answer, promised in audits[:2]:
        assert promised.strip("… ") in answer
    assert "its bytes are damaged" in audits[2][0]
