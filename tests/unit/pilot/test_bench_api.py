"""What the benchmark of the API asks, and how it counts."""

from math import isnan

from dashboards.sending import expand
from pilot.bench_api import asked
from pilot.bench_api_client import percentile, schedule
from pilot.bench_api_site import Size, document
from pilot.bench_panels import statements
from store.site_file import SiteFile


def test_requests_are_due_in_order_as_often_as_the_rate_says_and_the_same_with_the_same_seed() -> None:
    due = schedule(200, 5, seed=1)
    assert len(due) == 1000
    assert due == sorted(due) == schedule(200, 5, seed=1) != schedule(200, 5, seed=2)
    assert 0 <= due[0] < due[-1] < 5
    assert 400 < sum(at < 2.5 for at in due) < 600


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert [percentile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2
    assert percentile([7.0], 0.95) == 7
    assert isnan(percentile([], 0.5))


def test_the_site_has_as_many_assets_as_asked_for() -> None:
    size = Size()
    assert (len(size.keys), len(set(size.keys)), len(size.lines), size.months) == (100, 100, 9, 12)
    assert len(SiteFile.model_validate(document(size)).assets) == 99
    assert Size(3, 32).keys == ["", "line00", "line00/m000"]
    assert Size(3, 32).months == 2


def test_every_panel_of_the_boards_is_measured_with_nothing_left_open() -> None:
    sent = {title: expand(sql, asked(Size())) for title, sql in statements()}
    assert {"Stops by reason", "OEE over time", "OEE (newest)"} < set(sent)
    assert all("'bench/line00'" in sql for title, sql in sent.items() if title == "OEE over time")
