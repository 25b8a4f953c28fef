"""The virtual plant with a planted improvement and a planted gap: the chain from messages to criteria finds both."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from kpi.catalogue import CATALOGUE
from maturity import facts as schemas
from maturity.archive import SiteArchive
from maturity.assessing import assess
from maturity.facts import Facts
from maturity.framework import Framework
from maturity.loading import framework, shipped
from maturity.read_values import kpis_of
from maturity.reading import read_facts
from maturity.reasons import because
from maturity.site_assessment import assess_site
from pilot.cli import app
from pilot.maturity_plant import Past, compute, fill
from simulators.changes import Silence
from simulators.layout import SITE
from store import maturity as rows
from store.maturity import FrozenBaseline
from store.pool import connect
from tests.support.database import Databases, TestDatabase
from tests.unit.maturity.plain import catalogue, criterion

pytestmark = pytest.mark.needs_database
FIRST = date(2026, 7, 6)  # a Monday
DAY = timedelta(days=1)
SILENT = "moulding/cell-1/imm-2"
# Windows of four days: the baseline, a day without one machine, a window as before, then two improved ones.
PAST = Past(
    first=FIRST,
    days=17,
    improved_from=FIRST + 9 * DAY,
    silences=(Silence(SILENT, FIRST + 4 * DAY, FIRST + 4 * DAY),),
    lines=("cell-1",),
    seed=5,
)
IMPROVED, BEFORE, WITH_GAP = PAST.last, FIRST + 8 * DAY, FIRST + 7 * DAY


def improvement(id_: str, metric: str) -> dict[str, Any]:
    """At most 90 % of the baseline, in two windows of four days."""
    condition = {"metric": metric, "compare": {"operator": "<=", "baseline_factor": 0.9}}
    return criterion(id_, conditions=[condition], window={"days": 4, "consecutive": 2})


CRITERIA = [
    improvement("AA-1.1", "kpi.unplanned_downtime_ratio"),
    improvement("AA-1.2", "data.changeover_median"),
    improvement("AA-1.3", "kpi.idle_energy_share"),
]
SHORT = Framework.model_validate(catalogue(*CRITERIA) | {"baseline": {"days": 4}})


@pytest.fixture(scope="module")
def plant(databases: Databases) -> Iterator[TestDatabase]:
    """Seventeen days of two moulding machines and their meter, computed."""
    with databases.clone() as database:
        fill(database.url, PAST)
        compute(database.url, PAST)
        yield database


@pytest.fixture
def evidence(plant: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> TestDatabase:
    """Commands speak as the evidence role."""
    monkeypatch.setenv("HAIDANG_DATABASE_URL", plant.url_for("haidang_evidence"))
    return plant


def assessed(file: Path, last: date) -> dict[str, Any]:
    """What `haidang maturity assess` says of the four days up to one."""
    period = f"{last - 3 * DAY}:{last}"
    done = CliRunner().invoke(
        app, ["maturity", "assess", "--site", SITE, "--framework", str(file), "--period", period, "--format", "json"]
    )
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """The catalogue of short windows as a file of a third party."""
    file = tmp_path / "short.yaml"
    file.write_text(yaml.safe_dump(SHORT.plain()), "utf-8")
    return file


@pytest.mark.parametrize(
    ("last", "outcome", "level"),
    [(IMPROVED, "supported", 1), (BEFORE, "contradicted", 0), (WITH_GAP, "not_assessable", 0)],
)
def test_what_was_planted_is_found(evidence: TestDatabase, short: Path, last: date, outcome: str, level: int) -> None:
    found = assessed(short, last)
    assert {each["id"]: each["outcome"] for each in found["criteria"]} == dict.fromkeys(
        ("AA-1.1", "AA-1.2", "AA-1.3"), outcome
    )
    assert [each["supported"] for each in found["principles"]] == [level]
    for criterion_ in found["criteria"]:
        (condition,) = criterion_["windows"][0]["conditions"]
        if outcome == "not_assessable":
            assert "of the data are there; 95% are needed" in condition["missing"]["en"]
            assert condition["missing"]["vi"].startswith("Chỉ có ")
        else:
            assert condition["baseline"]["first"] == FIRST.isoformat()
            assert condition["threshold"] == pytest.approx(0.9 * condition["baseline"]["value"])
            assert set(condition["assets"]) <= {"moulding/cell-1/imm-1", SILENT}


def test_a_baseline_is_frozen_once_and_in_the_log(evidence: TestDatabase, short: Path) -> None:
    for _ in range(2):
        assessed(short, IMPROVED)
    with connect(evidence.url, "test") as connection:
        frozen = connection.execute(
            "SELECT key, version, first_day, last_day FROM criterion_baseline ORDER BY key"
        ).fetchall()
        entered = connection.execute("SELECT count(*) FROM evidence_log WHERE kind = 'criterion_baseline'").fetchone()
    assert [row[0] for row in frozen] == [
        f"{metric}@machines#4d>=0.95"
        for metric in ("data.changeover_median", "kpi.idle_energy_share", "kpi.unplanned_downtime_ratio")
    ]
    assert {row[1:] for row in frozen} == {(1, FIRST, FIRST + 3 * DAY)}
    assert entered == (3,)


def test_a_baseline_that_somebody_froze_meanwhile_counts(
    evidence: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SHORT.model_copy(update={"baseline": SHORT.baseline.model_copy(update={"days": 6})})
    key, read = "kpi.unplanned_downtime_ratio@machines#6d>=0.95", rows.baselines
    unread = iter([list[FrozenBaseline]()])  # the first look was before the other one's commit
    monkeypatch.setattr(rows, "baselines", lambda *of: next(unread, None) or read(*of))
    with connect(evidence.url_for("haidang_evidence"), "test", autocommit=True) as connection:
        rows.freeze(connection, 1, FrozenBaseline(key, 99.0, FIRST, FIRST + 5 * DAY, 1))
        found = assess_site(connection, own, SITE, (IMPROVED - 3 * DAY, IMPROVED))
        entered = connection.execute("SELECT object FROM evidence_log WHERE object LIKE '%#6d%' ORDER BY 1").fetchall()
    baseline = found.results["AA-1.1"].newest.conditions[0].baseline
    assert baseline
    assert baseline.value == 99.0
    assert f"criterion_baseline|{key}" not in {row[0] for row in entered}


def test_before_its_first_window_a_site_has_no_baseline(evidence: TestDatabase, short: Path) -> None:
    with connect(evidence.url_for("haidang_evidence"), "test", autocommit=True) as connection:
        own = SHORT.model_copy(update={"baseline": SHORT.baseline.model_copy(update={"days": 5})})
        found = assess_site(connection, own, SITE, (FIRST, FIRST + 3 * DAY))
        early = assess_site(connection, own, SITE, (FIRST - 13 * DAY, FIRST - 10 * DAY))
    assert {result.outcome.value for result in found.results.values()} == {"not_assessable"}
    assert "no baseline yet" in str(found.results["AA-1.1"].windows[0].conditions[0].missing)
    assert {result.outcome.value for result in early.results.values()} == {"not_assessable"}
    assert early.results["AA-1.1"].missing == (because("no_data"),)
    refused = CliRunner().invoke(
        app, ["maturity", "assess", "--site", SITE, "--framework", str(short), "--period", "2026-06"]
    )
    assert refused.exit_code == 1
    assert f"has no data in the period; its days are {FIRST} to {PAST.last}" in str(refused.exception)


OTHERS = """
INSERT INTO alert (site_id, asset_id, rule, from_ts)
    SELECT site_id, asset_id, 'energy', %(at)s FROM asset WHERE key = %(asset)s;
INSERT INTO prediction (site_id, asset_id, model, for_ts, made_at)
    SELECT site_id, asset_id, 'failure', %(at)s, %(at)s FROM asset WHERE key = %(asset)s;
INSERT INTO ledger_delta (hour, site_id, device_id, received, stored, latency_ms, skew_ms)
    SELECT %(at)s, site_id, device_id, 1, 1, '{0,1}', '{0,1}' FROM device LIMIT 1;
INSERT INTO audit_log (at, action, object) VALUES (%(at)s, 'view.losses', %(site)s);
"""


@pytest.mark.parametrize("key", shipped())
def test_values_that_are_not_read_change_no_outcome(evidence: TestDatabase, key: str) -> None:
    every = {f"{grain}/{kpi}" for grain in ("shift", "hour", "job", "product") for kpi in CATALOGUE}
    read = framework(key)
    with connect(evidence.url_for("haidang_evidence"), "test", autocommit=True) as connection:
        found = [read_facts(connection, SITE, PAST.last, kpis) for kpis in (kpis_of([read]), kpis_of([read]) | every)]
    period = (PAST.last - 3 * DAY, PAST.last)
    few, many = (assess(read, SiteArchive(each, {}), SITE, period, {}).plain() for each in found if each is not None)
    assert few == many


def test_every_frame_is_read_by_the_evidence_role(evidence: TestDatabase, tmp_path: Path) -> None:
    table = tmp_path / "missions.csv"
    table.write_text(f"key,asset,from,triggered_by\n1,{SILENT},{FIRST}T10:00,system\n", "utf-8")
    arguments = ["records", "import", str(table), "--site", SITE, "--kind", "mission", "--source", "WMS"]
    done = CliRunner().invoke(app, [*arguments, "--database-url", evidence.url])
    assert done.exit_code == 0, done.output
    with connect(evidence.url, "test") as owner:
        dirty = owner.execute("SELECT count(*) FROM dirty_mark").fetchone()
        for statement in OTHERS.strip().split(";\n"):
            owner.execute(statement, {"at": f"{FIRST}T12:00+07:00", "asset": SILENT, "site": SITE})
    assert dirty == (0,)  # criteria alone are made of missions
    with connect(evidence.url_for("haidang_evidence"), "test", autocommit=True) as connection:
        found = read_facts(connection, SITE, PAST.last, kpis_of([SHORT]))
    assert found is not None
    assert (found.first, found.last) == (FIRST, PAST.last)
    for name, schema in FRAMES.items():
        frame = getattr(found, name)
        assert (name, frame.schema, frame.is_empty()) == (name, schema, False)
    assert found.series["first_seen_us"].is_null().all()
    assert found.window(FIRST, FIRST).records["key"].to_list() == ["1"]


FRAMES = {
    name: getattr(schemas, name.upper())
    for name in Facts.__dataclass_fields__
    if name not in ("site", "first", "last", "declared")
}


UNKNOWN = {"metric": "kpi.nothing", "compare": {"operator": ">", "value": 1}}


def broken(tmp_path: Path, **changes: Any) -> Path:
    """The catalogue with another first criterion."""
    file = tmp_path / "broken.yaml"
    plain = SHORT.plain()
    plain["criteria"][0] |= changes
    file.write_text(yaml.safe_dump(plain), "utf-8")
    return file


@pytest.mark.parametrize(
    ("changes", "site", "said"),
    [
        (
            {"conditions": [{"metric": "kpi.nothing", "compare": {"operator": ">", "value": 1}}]},
            SITE,
            "no metric 'kpi.nothing'",
        ),
        ({"prerequisites": ["AA-1.1"]}, SITE, "go in a circle: AA-1.1 → AA-1.1"),
        ({"conditions": []}, SITE, "conditions"),
        ({}, "nowhere", "nowhere"),
    ],
)
def test_bad_catalogues_and_sites_are_refused(
    evidence: TestDatabase, tmp_path: Path, changes: dict[str, Any], site: str, said: str
) -> None:
    file = broken(tmp_path, **changes)
    done = CliRunner().invoke(
        app, ["maturity", "assess", "--site", site, "--framework", str(file), "--period", "2026-07"]
    )
    assert done.exit_code != 0
    assert said in str(done.exception)
