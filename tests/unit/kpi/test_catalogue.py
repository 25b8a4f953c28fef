import polars as pl
import pytest

from kpi.catalogue import CATALOGUE, Direction, Kpi
from kpi.catalogue.columns import COLUMNS, wide
from kpi.docs import PAGE, catalogue_page
from kpi.rollup.evaluate import evaluate
from model.vocabulary import Grain
from tests.support.paths import ROOT

ENTRIES = [pytest.param(entry, id=entry.id) for entry in CATALOGUE.values()]


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_says_everything_in_two_languages(entry: Kpi) -> None:
    texts = (entry.name_vi, entry.name_en, entry.explanation_vi, entry.explanation_en, entry.formula, entry.unit)
    assert all(text.strip() == text != "" for text in texts)
    assert entry.name_vi != entry.name_en or entry.id == "teep"


@pytest.mark.parametrize("entry", ENTRIES)
def test_inputs_are_what_the_expressions_read(entry: Kpi) -> None:
    expressions = [entry.numerator, *([] if entry.denominator is None else [entry.denominator])]
    read = {name for expression in expressions for name in expression.meta.root_names()}
    assert read <= set(COLUMNS)
    assert read <= set(entry.inputs)


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_at_all_gives_zero_or_no_value(entry: Kpi) -> None:
    value = evaluate(entry, wide())
    assert value is None if entry.denominator is not None else value == 0


@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOGUE.values() if entry.capped is not None], ids=lambda e: e.id
)
def test_capped_variants_are_never_above_one(entry: Kpi) -> None:
    frame = wide(
        production_s=50.0,
        delay_s=50.0,
        counted_production_s=50.0,
        counted_planned_busy_s=100.0,
        counted_calendar_s=100.0,
        ideal_total_s=400.0,
        ideal_good_s=300.0,
    )
    capped, raw = evaluate(entry, frame, "capped"), evaluate(entry, frame)
    assert capped is not None
    assert raw is not None
    assert capped <= min(raw, 1.0)


def test_iso_numbers_are_those_of_the_standard() -> None:
    numbers = {entry.id: entry.iso_number for entry in CATALOGUE.values() if entry.iso_number is not None}
    assert numbers == {
        "worker_efficiency": 1,
        "allocation_ratio": 2,
        "throughput_rate": 3,
        "allocation_efficiency": 4,
        "utilization_efficiency": 5,
        "oee": 6,
        "nee": 7,
        "availability": 8,
        "effectiveness": 9,
        "quality_ratio": 10,
        "setup_ratio": 11,
        "technical_efficiency": 12,
        "production_process_ratio": 13,
        "actual_to_planned_scrap_ratio": 14,
        "first_pass_yield": 15,
        "scrap_ratio": 16,
        "rework_ratio": 17,
        "fall_off_ratio": 18,
        "cm": 19,
        "cmk": 20,
        "cp": 21,
        "cpk": 22,
        "comprehensive_energy_consumption": 23,
        "inventory_turns": 24,
        "finished_goods_ratio": 25,
        "integrated_goods_ratio": 26,
        "production_loss_ratio": 27,
        "storage_transport_loss_ratio": 28,
        "other_loss_ratio": 29,
        "equipment_load_ratio": 30,
        "mtbf": 31,
        "mttf": 32,
        "mttr": 33,
        "corrective_maintenance_ratio": 34,
    }
    assert set(numbers.values()) == set(range(1, 35))


def test_each_of_the_six_big_losses_has_one_entry() -> None:
    losses = {entry.loss: entry.id for entry in CATALOGUE.values() if entry.loss}
    assert losses == {
        "equipment failure": "fault_time",
        "setup and adjustment": "setup_time",
        "idling and minor stops": "micro_stop_time",
        "reduced speed": "reduced_speed_loss",
        "process defects": "defect_loss",
        "reduced yield": "startup_loss",
    }


def test_hours_exist_for_what_dashboards_draw() -> None:
    hourly = {entry.id for entry in CATALOGUE.values() if Grain.HOUR in entry.grains}
    assert {"oee", "availability", "energy", "demand_peak", "co2e_location", "good_quantity"} <= hourly


def test_directions_are_set_for_ratios() -> None:
    assert all(entry.direction is not Direction.NONE for entry in CATALOGUE.values() if entry.unit == "1")


def test_the_page_of_the_catalogue_is_current() -> None:
    written = (ROOT / PAGE).read_text("utf-8")
    assert written == catalogue_page(), f"{PAGE} is old: run `python -m kpi.docs`"


def test_a_wide_frame_refuses_unknown_sums() -> None:
    with pytest.raises(KeyError, match="no such base sums"):
        wide(nonsense=1.0)
    assert wide(good=1.0).schema == pl.Schema(COLUMNS)
