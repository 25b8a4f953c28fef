"""What many tests of the KPI job begin with."""

from collections.abc import Iterator

import pytest

from tests.integration.kpi.plant import HOUR, MONDAY, Plant, computed_days
from tests.support.database import Databases


@pytest.fixture
def computed(databases: Databases) -> Iterator[Plant]:
    """The plant with an ordinary first day, final; nothing waits."""
    with computed_days(databases, MONDAY + 40 * 24 * HOUR) as plant:
        yield plant


@pytest.fixture
def four_days(databases: Databases) -> Iterator[Plant]:
    """The plant with four ordinary days, computed together and final; nothing waits."""
    with computed_days(databases, MONDAY + 40 * 24 * HOUR, 4) as plant:
        yield plant
