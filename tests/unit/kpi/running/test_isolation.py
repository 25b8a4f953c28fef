"""What the driver of the readings says becomes a sentence, as what the other driver says does."""

import adbc_driver_manager
import pytest

from kpi.running.isolation import outages_translated
from store.errors import DatabaseUnavailableError


def test_a_reader_that_lost_its_connection_is_an_outage() -> None:
    lost = adbc_driver_manager.OperationalError("server closed\nthe connection", status_code=10)
    told = r"server closed the connection.*next run goes on"
    with pytest.raises(DatabaseUnavailableError, match=told), outages_translated(""):
        raise lost
