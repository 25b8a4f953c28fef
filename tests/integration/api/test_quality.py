"""The quality of series over the API: the caller's sites only, the worst first."""

from datetime import timedelta

from api.routes.quality import QualityPublic
from store.pool import connect
from tests.integration.api.conftest import DAY, Served
from tests.support.fill import LINE, SITE, start_of

DAYS = {"from": str(DAY), "to": str(DAY)}


def put_quality(served: Served) -> None:
    """A whole day of two series: all came of one, half of the other."""
    bounds = [start_of(DAY), start_of(DAY + timedelta(days=1))]
    with connect(served.database.url) as connection:
        for name, received in (("came", 96), ("half", 48)):
            connection.execute(
                "INSERT INTO series (site_id, asset_id, name, quantity, kind) "
                "SELECT site_id, asset_id, %s, 'number', 'gauge' FROM asset JOIN site USING (site_id) "
                "WHERE site.key = %s AND asset.key = %s",
                [name, SITE, LINE],
            )
            connection.execute(
                "INSERT INTO series_quality SELECT site_id, series_id, %s, %s, %s, %s, %s, 96, "
                "0, 0, 0, 0, 0, 0, 0, 0, NULL FROM series WHERE name = %s",
                [DAY, *bounds, received, received, name],
            )


def test_series_come_the_worst_first_with_a_sentence(served: Served) -> None:
    put_quality(served)
    answer = served.client.get(f"/v1/sites/{SITE}/quality", params=DAYS, headers=served.headers())
    assert answer.status_code == 200, answer.text
    worst, other = QualityPublic.model_validate(answer.json()).series
    assert [worst.name, other.name] == ["half", "came"]
    assert (worst.completeness, worst.why) == (0.5, "50.0% of the values due came: 48 of 96.")
    assert (other.completeness, other.why) == (1.0, "Nothing is wrong.")


def test_only_of_sites_of_the_caller_and_for_a_bounded_number_of_days(served: Served) -> None:
    path = f"/v1/sites/{SITE}/quality"
    assert served.client.get(path, params=DAYS, headers=served.headers("foreigner")).status_code == 404
    backwards = {"from": str(DAY), "to": str(DAY - timedelta(days=1))}
    assert served.client.get(path, params=backwards, headers=served.headers()).status_code == 422
    none = served.client.get(path, params={**DAYS, "asset": "of/nobody"}, headers=served.headers())
    assert none.json()["series"] == []
