"""Why a value is so: everything behind it is found again, and adds up."""

import json
import math
from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import cycle
from math import prod
from struct import pack
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from typer.testing import CliRunner

from kpi.catalogue import CATALOGUE
from kpi.catalogue.losses import OF_PRODUCTION
from kpi.explained.explanation import Explainer, Explanation
from kpi.running.job import run_once
from model.vocabulary import Grain
from pilot.cli import app
from store import serving
from store.pool import connect
from store.registry import asset_ids
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase
from tests.unit.kpi.explained.test_worked_out import work_out

AFTER = MONDAY.replace(month=4)
DISTINCT = """
    SELECT DISTINCT ON (k.grain, k.kpi, k.variant, a.key) k.grain, k.kpi, k.variant, a.key, k.window_start,
        k.shift, k.product, k.job
    FROM kpi_value k JOIN asset a USING (asset_id) WHERE k.superseded_at IS NULL
    ORDER BY k.grain, k.kpi, k.variant, a.key, k.production_day, k.window_start, k.shift, k.product, k.job
"""
READINGS = """
    SELECT (extract(epoch FROM r.ts) * 1000000)::bigint, r.value, r.quality
    FROM reading r JOIN raw_day_digest d ON d.series_id = r.series_id AND r.ts >= d.from_ts AND r.ts < d.to_ts
    WHERE d.series_key = %(series_key)s AND d.production_day = %(production_day)s AND d.superseded_at IS NULL
    ORDER BY r.ts
"""
JOB = {
    "asset": MACHINE,
    "key": "J1",
    "from": (SHIFT_START + HOUR).isoformat(),
    "to": (SHIFT_START + 30 * HOUR).isoformat(),
    "product": "bolt",
}
pytestmark = pytest.mark.needs_database


def stored_value(scope: serving.Scope, asset: int, of: tuple[Any, ...]) -> dict[str, Any]:
    grain, kpi, variant, _, start, *keys = of
    window = serving.Window(from_ts=start, to_ts=start + timedelta(microseconds=1))
    wanted = serving.ValueFilter([asset], kpi, grain, window, variant, *keys)
    return serving.kpi_values(scope, wanted, None, serving.ValueKey())[0]


def check_calculation(found: Explanation) -> None:
    """The formula with its numbers, worked out with a calculator, is the stored value."""
    stored = found.value["value"]
    if stored is not None:
        assert work_out(found.calculation.rpartition(" = ")[0]) == pytest.approx(stored, rel=1e-9), found.calculation
        ratio = found.numerator if found.denominator is None else (found.numerator or 0.0) / found.denominator
        assert ratio == pytest.approx(stored, rel=1e-9)


def check_intervals(found: Explanation) -> None:
    """What machines did is there without a hole, and is what the time of the value was added up from."""
    by_class: Counter[str] = Counter()
    for row in found.intervals:
        by_class[row["time_class"]] += (row["to_ts"] - row["from_ts"]).total_seconds()
    assert found.intervals_left_out == 0
    if found.value["grain"] not in {"job", "product"}:  # their intervals are of all that was done meanwhile
        assert sum(by_class.values()) == pytest.approx(found.window_s, abs=1e-3), found.value
        production = sum(each.seconds for each in found.losses if each.key in OF_PRODUCTION or each.key == "production")
        assert by_class["production"] == pytest.approx(production, abs=1e-3)
    else:
        assert sum(by_class.values()) >= found.window_s - 1e-3


def check_raw_rows(owner: psycopg.Connection[Any], found: Explanation, checked: set[tuple[Any, ...]]) -> None:
    """Rows and digest of each closed day are those of the stored readings; each is read once."""
    assert found.raw_rows == sum(each["rows"] for each in found.raw_digests)
    for each in found.raw_digests:
        if (told := tuple(each.values())) in checked:
            continue
        checked.add(told)
        rows = owner.execute(READINGS, each).fetchall()
        packed = b"".join(pack("<qdh", ts, math.nan if v is None else v, quality) for ts, v, quality in rows)
        assert (len(rows), sha256(packed).hexdigest()) == (each["rows"], each["sha256"])


def test_every_stored_value_is_made_again_from_its_pieces_and_its_time_adds_up(database: TestDatabase) -> None:
    plant = Plant(database, products=[{"key": "bolt", "name": "Bolt"}], jobs=[JOB])
    plant.work_a_day()
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=AFTER)
    seen: dict[tuple[str, str], str] = {}
    checked: set[tuple[Any, ...]] = set()
    with connect(plant.kpi_url) as connection, psycopg.connect(database.url) as owner:
        scope, ids = serving.Scope(connection, [plant.site_id]), asset_ids(connection, plant.site_id)
        explainer = Explainer(connection, plant.site_id)
        turn = cycle(["", "line", MACHINE])
        found_values = owner.execute(DISTINCT).fetchall()
        scopes: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
        for each in found_values:
            scopes.setdefault(each[:3], []).append(each)
        for those in scopes.values():
            wished = next(turn)
            each = next((one for one in those if one[3] == wished), those[0])
            row = stored_value(scope, ids[each[3]], each)
            found = explainer.explain(row)
            assert found.equal, (each, row["value"], found.made_again, found.note)
            assert found.value["value"] == row["value"]
            assert (found.calendar["shifts"], found.revisions[-1]["value"]) == (5, row["value"])
            check_calculation(found)
            assert bool(found.factors) == (row["kpi"] == "oee")
            if found.factors and None not in found.factors.values():
                assert prod(map(float, filter(None, found.factors.values()))) == pytest.approx(row["value"], rel=1e-12)
            check_raw_rows(owner, found, checked)
            if found.losses:
                assert sum(loss.seconds for loss in found.losses) == pytest.approx(found.window_s, abs=1e-6)
                spent = sum(piece["seconds"] for piece in found.pieces if piece["quantity"] == "time")
                assert spent == pytest.approx(found.window_s, abs=1e-6), each
                check_intervals(found)
            seen[row["grain"], row["kpi"]] = row["asset"]
    assert checked
    assert {grain for grain, _ in seen} == {grain.value for grain in Grain}
    assert set(seen.values()) == {"", "line", MACHINE}
    assert len(found_values) > 3 * len({kpi for _, kpi in seen}) > 3 * len(CATALOGUE) / 3


def test_what_cannot_be_made_again_says_why(computed: Plant) -> None:
    plant = computed
    plant.put("state", [(SHIFT_START + 5 * HOUR, "HELD"), (SHIFT_START + 5.5 * HOUR, "EXECUTE")])
    with connect(plant.kpi_url) as connection:
        scope, asset = serving.Scope(connection, [plant.site_id]), asset_ids(connection, plant.site_id)[MACHINE]
        wanted = serving.ValueFilter([asset], "availability", "day")
        old = serving.kpi_values(scope, wanted, None, serving.ValueKey())[0]
        connection.rollback()
        run_once(plant.kpi_url, now=AFTER + HOUR)
        before = serving.ValueFilter([asset], "availability", "day", as_of=old["computed_at"])
        stood = serving.kpi_values(scope, before, None, serving.ValueKey())[0]
        found = Explainer(connection, plant.site_id).explain(stood)
        assert (found.equal, stood["value"], len(found.revisions)) == (None, old["value"], 2)
        assert found.note.startswith("Superseded")
        check_calculation(found)
        assert found.revisions[-1]["cause"] == ["late_data"]
        connection.rollback()
        plant.query("DELETE FROM atom RETURNING 1")
        now = serving.kpi_values(scope, wanted, None, serving.ValueKey())[0]
        gone = Explainer(connection, plant.site_id).explain(now)
        assert "not kept" in gone.note
        assert (gone.equal, len(gone.revisions)) == (None, 2)


def test_the_command_shows_formula_losses_raw_rows_and_revisions(computed: Plant) -> None:
    plant = computed
    arguments = [
        "kpi",
        "explain",
        "--kpi",
        "oee",
        "--site",
        "plant",
        "--asset",
        MACHINE,
        "--database-url",
        plant.kpi_url,
    ]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    for part in ("sum(PRI_i * GQ_i) / PBT", "made again from the stored pieces: equal", "equipment failure", "raw rows",
                 "Revisions", "ABORTED"):  # fmt: skip
        assert part in shown.output, part
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert told["equal"] is True
    assert told["raw_rows"] == sum(each["rows"] for each in told["raw_digests"]) > 2000
    fault = next(each for each in told["losses"] if each["key"] == "fault")
    assert fault["seconds"] == 3600
    hours = [*arguments, "--grain", "hour", "--json"]
    last = json.loads(CliRunner().invoke(app, hours).output)["value"]["window_start"]
    begin = datetime.fromisoformat(last) - timedelta(hours=2)
    local = begin.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m-%dT%H:%M")
    earlier = json.loads(CliRunner().invoke(app, [*hours, "--at", local]).output)
    assert datetime.fromisoformat(earlier["value"]["window_start"]) == begin
    assert earlier["window_s"] == 3600
