"""Public holidays of countries as dates, resolved once when a site file is applied."""

from datetime import date

import holidays

NO_HOLIDAYS = "none"
YEARS = range(2010, 2041)  # fixed, so that applying the same file in another year changes nothing


def knows(country: str) -> bool:
    """Tell whether the public holidays of a country (ISO 3166 alpha-2) are known."""
    return country in holidays.list_supported_countries()


def dates_of(country: str) -> dict[date, str]:
    """List the public holidays of a country by date, substituted days included; none of `none`."""
    if country == NO_HOLIDAYS:
        return {}
    language = "vi" if country == "VN" else None
    return dict(holidays.country_holidays(country, years=YEARS, language=language))
