"""Which dates a site file makes holidays of."""

from typing import Any

import pytest
from pydantic import ValidationError

from store.site_file import SiteFile
from store.site_rows import holiday_rows


def dates(**head: Any) -> list[str]:
    site = {"key": "s", "name": "S", "timezone": "Asia/Ho_Chi_Minh", **head}
    return [row["local_date"] for row in holiday_rows(SiteFile.model_validate({"site": site, "assets": []}))]


def test_a_site_in_vietnam_has_the_holidays_of_vietnam() -> None:
    found = set(dates())
    assert {"2026-01-01", "2026-02-17", "2026-04-30", "2026-05-01", "2026-09-02"} <= found
    assert {"2025-01-29", "2027-02-06"} <= found  # Tết follows the moon
    assert "2026-11-20" not in found
    assert found == set(dates(holidays="VN", country="DE"))


def test_elsewhere_there_are_none_unless_a_country_or_dates_are_named() -> None:
    assert dates(country="DE") == dates(holidays="none") == []
    assert "2026-10-03" in dates(country="DE", holidays="DE")
    assert dates(holidays=["2026-12-24", "2026-07-01"]) == ["2026-07-01", "2026-12-24"]


def test_a_country_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="neither none, nor a list of dates, nor a country"):
        dates(holidays="Tet")
