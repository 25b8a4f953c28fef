"""What the benchmark of the KPI job measures."""

import pytest

from pilot.bench_kpi import Options, sizes
from pilot.bench_kpi_plant import Size
from pilot.errors import PilotError


def test_linearity_goes_over_machines_and_days_and_some_sizes_can_be_picked() -> None:
    every = sizes(Options(linearity=True))
    assert [(size.machines, size.days) for size in every] == [(1, 1), (10, 1), (100, 1), (10, 7), (10, 30)]
    assert sizes(Options(linearity=True, only=("10x30", "1x1"))) == [Size(1, 1), Size(10, 30)]
    with pytest.raises(PilotError, match="no size 3x3; known: 1x1"):
        sizes(Options(linearity=True, only=("3x3",)))
    with pytest.raises(PilotError, match="of --linearity only"):
        sizes(Options(only=("10x30",)))


def test_sites_have_keys_of_their_own() -> None:
    assert Size(2, 1, sites=3).keys == ["bench", "bench-2", "bench-3"]
    assert str(Size(2, 1, sites=3)) == "3 × 2 × 1"
