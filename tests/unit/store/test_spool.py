"""Readings come to the computation in order, in memory or by files, by whatever way they were read."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from store.spool import READINGS, Spool
from store.spool_folder import PREFIX, NoRoomError, own_folder

START_US = 1_767_225_600_000_000
PACKED = pa.RecordBatch.from_pydict(
    {
        "series_id": pa.array([2, 1, 2], pa.int32()),
        "ts": pa.array([START_US + 1, START_US + 2, START_US + 3], pa.int64()),
        "value": pa.array([20.0, None, 21.0], pa.float64()),
        "quality": pa.array([0, 2, 0], pa.int16()),
    }
)
# A row of its own from the database: times are instants there.
NEAREST = pa.RecordBatch.from_pydict(
    {
        "series_id": pa.array([1], pa.int32()),
        "ts": pa.array([datetime.fromtimestamp(START_US / 1e6, UTC)], pa.timestamp("us", "UTC")),
        "value": pa.array([9.5], pa.float64()),
        "quality": pa.array([0], pa.int16()),
    }
)


@pytest.mark.parametrize("batches", [[PACKED, NEAREST], [NEAREST, PACKED]])
@pytest.mark.parametrize("in_memory", [100, 2, 0])
def test_rows_of_both_ways_come_out_in_order(batches: list[pa.RecordBatch], in_memory: int) -> None:
    with Spool({1: 0, 2: 1}, 2, in_memory) as spool:
        spool.add(batches)
        spool.finish()
        found, second = spool.rows(0, 1).load(), spool.rows(1, 1).load()
    assert found.schema == READINGS
    assert found.rows() == [
        (1, START_US, 9.5, 0),
        (1, START_US + 2, None, 2),
        (2, START_US + 1, 20.0, 0),
        (2, START_US + 3, 21.0, 0),
    ]
    assert second.equals(found.filter(pl.col("series_id") == 2))


def test_files_of_a_process_that_was_killed_are_swept_those_of_a_living_one_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}killed"
    left.mkdir()
    (left / "in-use").touch()
    with own_folder() as one:
        assert not left.exists()
        with own_folder() as other:
            assert sorted(tmp_path.iterdir()) == sorted([one, other])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with Spool({1: 0, 2: 1}, 2, 0) as spool, pytest.raises(NoRoomError, match=r"gone .*No such file.* set TMPDIR"):
        spool.add([PACKED])


def test_where_no_folder_can_be_written_it_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "gettempdir", none)
    with Spool({1: 0, 2: 1}, 2, 0) as spool, pytest.raises(NoRoomError, match=r"any folder .* set TMPDIR"):
        spool.add([PACKED])
