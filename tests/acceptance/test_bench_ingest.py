"""The ingest benchmark measures what it says, on a small load."""

import json

import pytest

from pilot import bench_ingest


@pytest.mark.timeout(180)
def test_everything_that_the_benchmark_sends_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_ingest.main(values_per_message=3, messages=700, as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["complete"]
    assert [run["name"] for run in shown["runs"]] == ["draining a full queue", "publishers live"]
    for run in shown["runs"]:
        assert run["sent_values"] == run["stored_values"] == 2100
        assert run["values_per_s"] > 0
    assert shown["copy_rows_per_s"] > 0
