from datetime import timedelta

import pytest

from kpi.compute import compute
from kpi.frames import Inputs, Tables
from kpi.running.job import SiteJob, run_once
from kpi.running.settings import KpiSettings
from store import inputs
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document, only
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR


@pytest.fixture
def plant(database: TestDatabase) -> Plant:
    return Plant(database)


def test_a_day_from_readings_to_final_values(plant: Plant) -> None:
    plant.work_a_day()
    summary = run_once(plant.kpi_url, now=AFTER)
    assert summary.days == 1
    assert summary.values_new > 0
    expected = {
        "production_time": 7 * 3600.0,
        "fault_time": 3600.0,
        "planned_busy_time": 8 * 3600.0,
        "availability": 7 / 8,
        "good_quantity": 2000.0,
        "oee": 2000 * 10 / (8 * 3600),
        "energy": 240.0,
        "specific_energy": 240 / 2000,
        "failures": 1.0,
        "mttr": 3600.0,
        "demand_peak": 10.0,
        "load_factor": 1.0,
    }
    found = {kpi: plant.value(kpi)["value"] for kpi in expected}
    assert found == pytest.approx(expected, rel=1e-9)
    assert plant.value("oee", asset="")["value"] == pytest.approx(expected["oee"], rel=1e-9)
    assert plant.value("oee")["is_final"]
    for grain in ("shift", "week", "month"):
        assert plant.value("good_quantity", grain=grain)["value"] == 2000.0


def test_computing_again_changes_nothing(computed: Plant) -> None:
    plant = computed
    before = plant.query("SELECT kpi_value_id FROM kpi_value ORDER BY 1")
    atoms = plant.query("SELECT revision, count(*) FROM atom GROUP BY 1")
    plant.mark(SHIFT_START, SHIFT_START + 24 * HOUR)
    again = run_once(plant.kpi_url, now=AFTER + HOUR)
    assert (again.days, again.values_new, again.values_revised) == (1, 0, 0)
    assert plant.query("SELECT kpi_value_id FROM kpi_value ORDER BY 1") == before
    assert plant.query("SELECT revision, count(*) FROM atom GROUP BY 1") == atoms
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_late_data_make_a_new_revision_and_keep_the_old_one(computed: Plant) -> None:
    plant = computed
    old = plant.value("availability")
    digest = plant.query("SELECT sha256 FROM raw_day_digest WHERE series_id = %s", plant.series["state"])
    plant.put("state", [(SHIFT_START + 5 * HOUR, "HELD"), (SHIFT_START + 5.5 * HOUR, "EXECUTE")])
    run_once(plant.kpi_url, now=AFTER + HOUR)
    new = plant.value("availability")
    assert (old["revision"], new["revision"], new["cause"]) == (1, 2, ["late_data"])
    assert new["value"] == pytest.approx(6.5 / 8)
    stood = plant.query("SELECT value, superseded_at FROM kpi_value WHERE kpi_value_id = %s", old["kpi_value_id"])
    assert stood == [(old["value"], new["computed_at"])]
    digests = plant.query(
        "SELECT sha256, superseded_at IS NULL FROM raw_day_digest WHERE series_id = %s ORDER BY at",
        plant.series["state"],
    )
    assert digests[0] == (digest[0][0], False)
    assert digests[1][1]
    assert plant.query("SELECT DISTINCT revision FROM atom") == [(2,)]


def test_an_open_day_is_provisional_and_closes_without_new_data(plant: Plant) -> None:
    plant.work_a_day()
    noon = SHIFT_START + 6 * HOUR
    run_once(plant.kpi_url, now=noon)
    row = plant.value("availability")
    assert (row["status"], row["is_final"], row["revision"]) == ("provisional", False, 1)
    assert row["value"] == pytest.approx(5 / 6)
    assert plant.query("SELECT count(*) FROM raw_day_digest") == [(0,)]
    plant.mark(noon, noon + HOUR)
    run_once(plant.kpi_url, now=AFTER)
    run_once(plant.kpi_url, now=AFTER)
    row = plant.value("availability")
    assert (row["status"], row["revision"], row["cause"]) == ("final", 1, [])
    assert row["value"] == pytest.approx(7 / 8)
    assert plant.query("SELECT count(*) FROM kpi_value WHERE NOT is_final") == [(0,)]
    assert len(plant.query("SELECT 1 FROM raw_day_digest")) == 3


def test_what_reaches_into_the_open_day_is_computed_once_and_not_pass_after_pass(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "availability")
    monkeypatch.setattr("store.inputs.row_count", None)  # these days are never computed together: it is not asked
    plant.work_a_day()
    noon = SHIFT_START + 30 * HOUR
    run_once(plant.kpi_url, now=noon)
    plant.mark(SHIFT_START, noon)  # as an edit of the registry does
    plant.mark(SHIFT_START + HOUR, SHIFT_START + 2 * HOUR)
    with connect(plant.kpi_url, autocommit=True) as connection, inputs.open_adbc(plant.kpi_url) as reader:

        def computed(*, open_day: bool) -> int:
            job = SiteJob(connection, reader, "plant", KpiSettings(database_url=plant.kpi_url))
            return job.run(noon, open_day=open_day, due=False).days

        assert [computed(open_day=False), computed(open_day=False)] == [1, 0]
        assert plant.query("SELECT count(*) FROM dirty_mark") == [(1,)]
        assert computed(open_day=True) == 2
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_windows_become_final_by_time_alone(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "availability")
    plant.work_a_day()
    run_once(plant.kpi_url, now=SHIFT_START + 24 * HOUR + timedelta(minutes=30))
    assert plant.value("availability")["status"] == "provisional"
    run_once(plant.kpi_url, now=SHIFT_START + 25 * HOUR)
    assert plant.value("availability")["status"] == "final"
    assert plant.value("availability", grain="week")["status"] == "provisional"
    run_once(plant.kpi_url, now=AFTER)
    assert plant.value("availability", grain="week")["status"] == "final"
    assert plant.value("availability", grain="month")["status"] == "final"


def test_days_without_data_between_others_are_computed_too(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "planned_busy_time")
    plant.work_a_day(0)
    plant.work_a_day(3)
    run_once(plant.kpi_url, now=AFTER)
    days = plant.query("SELECT DISTINCT production_day FROM state_interval ORDER BY 1")
    assert len(days) == 4
    assert plant.value("planned_busy_time", grain="week")["value"] == 4 * 8 * 3600.0


def test_spans_of_any_length_give_the_same_values(four_days: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = four_days
    columns = "asset_id, kpi, variant, grain, window_start, shift, value, numerator, denominator, status, inputs_digest"
    query = f"SELECT {columns} FROM kpi_value WHERE superseded_at IS NULL ORDER BY {columns}"
    together = plant.query(query)
    for table in ("kpi_value", "atom", "interval_series", "state_interval", "carry_state", "kpi_run"):
        plant.query(f"DELETE FROM {table} RETURNING 1")
    monkeypatch.setenv("HAIDANG_KPI_SPAN_DAYS", "1")
    plant.mark(SHIFT_START, SHIFT_START + 4 * 24 * HOUR)
    assert run_once(plant.kpi_url, now=AFTER).values_revised == 0
    assert plant.query(query) == together


def test_only_marks_that_were_seen_are_removed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "availability")
    plant.work_a_day()
    original = compute

    def compute_while_data_arrive(inputs: Inputs) -> Tables:
        monkeypatch.setattr("kpi.running.parts.compute", original)
        plant.mark(SHIFT_START, SHIFT_START + HOUR)
        return original(inputs)

    monkeypatch.setattr("kpi.running.parts.compute", compute_while_data_arrive)
    assert run_once(plant.kpi_url, now=AFTER).days == 1
    assert plant.query("SELECT from_ts, to_ts FROM dirty_mark") == [(SHIFT_START, SHIFT_START + HOUR)]
    assert run_once(plant.kpi_url, now=AFTER).days == 1
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_a_failed_run_leaves_everything_as_it_was(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.work_a_day()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("store.marks.log_run", fail)
    with pytest.raises(KeyboardInterrupt):
        run_once(plant.kpi_url, now=AFTER)
    monkeypatch.undo()
    assert plant.query("SELECT (SELECT count(*) FROM kpi_value), (SELECT count(*) FROM atom)") == [(0, 0)]
    assert plant.query("SELECT count(*) > 0 FROM dirty_mark") == [(True,)]
    assert run_once(plant.kpi_url, now=AFTER).days == 1


def test_a_correction_is_applied_and_can_be_taken_back(computed: Plant) -> None:
    plant = computed
    before = plant.value("availability")["value"]
    insert = (
        "INSERT INTO annotation (site_id, asset_id, from_ts, to_ts, reason_id, supersedes, revoked) SELECT a.site_id, "
        "a.asset_id, %s, %s, reason_id, %s, %s FROM asset a JOIN reason r ON r.site_id = a.site_id WHERE a.key = %s "
        "AND r.key = 'tool_change' RETURNING annotation_id"
    )
    span = (SHIFT_START + 3 * HOUR, SHIFT_START + 4 * HOUR)
    first = plant.query(insert, *span, None, "false", MACHINE)[0][0]
    plant.mark(*span, cause="annotation")
    run_once(plant.kpi_url, now=AFTER)
    assert plant.value("setup_time")["value"] == 3600.0
    assert plant.value("setup_time")["cause"] == ["annotation"]
    plant.query(insert, *span, first, "true", MACHINE)
    plant.mark(*span, cause="annotation")
    run_once(plant.kpi_url, now=AFTER)
    assert plant.value("setup_time")["value"] == 0.0
    assert plant.value("availability")["value"] == before


def causes(plant: Plant) -> set[str]:
    """Every cause that any current value names."""
    return {row[0] for row in plant.query("SELECT DISTINCT unnest(cause) FROM kpi_value WHERE superseded_at IS NULL")}


def test_days_computed_again_without_a_reason_name_what_differs_as_the_cause(computed: Plant) -> None:
    plant = computed
    plant.put("state", [(SHIFT_START + 5 * HOUR, "HELD"), (SHIFT_START + 5.5 * HOUR, "EXECUTE")], mark=False)
    plant.again()
    run_once(plant.kpi_url, now=AFTER)
    assert causes(plant) == {"late_data"}
    Plant(plant.database, routings=[{"asset": MACHINE, "ideal_cycle_s": 8.0, "source": "test"}])  # leaves no mark
    plant.again()
    run_once(plant.kpi_url, now=AFTER)
    assert plant.value("oee")["cause"] == ["registry"]
    assert causes(plant) == {"late_data", "registry"}


def test_what_a_day_hands_on_has_the_cause_of_that_day(plant: Plant) -> None:
    plant.work_a_day(0)
    plant.work_a_day(2)
    run_once(plant.kpi_url, now=AFTER)
    plant.put("state", [(SHIFT_START + 20 * HOUR, "ABORTED")], mark=False)  # lasts over the whole next day
    plant.mark(SHIFT_START + 20 * HOUR, SHIFT_START + 20 * HOUR + timedelta(seconds=1), "mapping")
    summary = run_once(plant.kpi_url, now=AFTER)
    assert summary.days == 3
    assert summary.values_revised > 0
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]
    assert causes(plant) == {"mapping"}


def test_a_final_value_that_is_lost_says_why(computed: Plant) -> None:
    plant = computed
    late = {"lateness_s": 10 * 366 * 86_400, "grid_zone": "XX", "country": "XX"}
    Plant(plant.database, site={**document()["site"], **late}, routings=[])
    plant.again()
    run_once(plant.kpi_url, now=AFTER)
    for kpi, reason in (("co2e_location", "no_factor"), ("oee", "no_ideal_cycle")):
        row = plant.value(kpi)
        assert (row["value"], row["status"], row["is_final"]) == (None, reason, True), kpi
        assert reason not in row["flags"]
    assert plant.value("availability")["status"] == "final"


def test_late_data_that_change_no_value_revise_none_but_are_on_record(computed: Plant) -> None:
    plant = computed
    plant.put("state", [(SHIFT_START + HOUR, "EXECUTE")])  # what was known before
    assert run_once(plant.kpi_url, now=AFTER).values_revised == 0
    digests = "SELECT superseded_at IS NULL FROM raw_day_digest WHERE series_id = %s ORDER BY at"
    assert plant.query(digests, plant.series["state"]) == [(False,), (True,)]
