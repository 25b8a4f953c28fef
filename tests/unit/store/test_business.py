"""Business records that are refused before anything is written."""

from typing import Any, cast

import pytest

from store.business import BusinessRecord, keep
from store.errors import InvalidConfigurationError

DAY_US = 86_400_000_000


def test_a_year_typed_wrong_is_refused_before_it_asks_for_all_the_days_between() -> None:
    record = BusinessRecord("r1", 0, 65_744 * DAY_US, {"gas": "R-410A", "mass_kg": 5.0})
    nowhere = cast("Any", None)  # no connection: it is not asked
    with pytest.raises(InvalidConfigurationError, match="'r1' lasts 65,744 days; at most 400 are taken"):
        keep(nowhere, 1, "refrigerant", [record], "test")
