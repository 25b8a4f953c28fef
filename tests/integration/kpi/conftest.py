"""What many tests of the KPI job begin with."""

from collections.abc import Iterator

import pytest

from tests.integration.kpi.plant import HOUR, MONDAY, Plant, computed_day
from tests.support.database import Databases


@pytest.fixture
def computed(databases: Databases) -> Iterator[Plant]:
    """The plant with an ordinary first day, final; nothing waits."""
    with computed_day(databases, MONDAY + 40 * 24 * HOUR) as plant:
        yield plant
