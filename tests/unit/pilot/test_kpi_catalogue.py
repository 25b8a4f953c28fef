"""Which KPI is meant by what somebody types."""

import pytest

from pilot.commands.kpi_catalogue import known_kpi
from pilot.errors import PilotError


@pytest.mark.parametrize(("typed", "meant"), [("oee", "oee"), ("6", "oee"), ("23", "comprehensive_energy_consumption")])
def test_a_kpi_is_named_by_id_or_iso_number(typed: str, meant: str) -> None:
    assert known_kpi(typed) == meant


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("machine capability", "did you mean cm, cmk"),
        ("avalability", "did you mean availability"),
        ("mức sẵn sàng", "availability"),
        ("35", "`haidang kpi catalogue` lists all"),
        ("None", "There is no KPI"),
    ],
)
def test_who_names_none_is_told_what_sounds_like_it(typed: str, hint: str) -> None:
    with pytest.raises(PilotError, match=hint):
        known_kpi(typed)
