from kpi.running.service import Pace
from kpi.running.settings import KpiSettings


def test_an_open_day_waits_five_times_its_last_run_at_least_a_minute() -> None:
    clock = [0.0]
    pace = Pace(KpiSettings(database_url="postgresql://nowhere"), clock=lambda: clock[0])
    assert pace.open_day()
    pace.ran(open_day=True, due=False, seconds=1.0)
    clock[0] = 59.0
    assert not pace.open_day()
    clock[0] = 60.0
    assert pace.open_day()
    pace.ran(open_day=True, due=False, seconds=30.0)
    clock[0] = 60.0 + 149.0
    assert not pace.open_day()
    clock[0] = 60.0 + 150.0
    assert pace.open_day()


def test_due_windows_are_looked_for_now_and_then() -> None:
    clock = [0.0]
    pace = Pace(KpiSettings(database_url="postgresql://nowhere"), clock=lambda: clock[0])
    assert pace.due()
    pace.ran(open_day=False, due=True, seconds=1.0)
    assert not pace.due()
    clock[0] = 300.0
    assert pace.due()
    assert pace.open_day()


def test_a_site_that_failed_rests_longer_each_time_and_is_trusted_again_after_a_run() -> None:
    clock = [0.0]
    pace = Pace(KpiSettings(database_url="postgresql://nowhere", kpi_poll_s=2.0), clock=lambda: clock[0])
    assert not pace.resting()
    for rest in (4.0, 8.0, 16.0):
        pace.failed()
        clock[0] += rest - 0.1
        assert pace.resting()
        clock[0] += 0.1
        assert not pace.resting()
    for _ in range(10):
        pace.failed()
    clock[0] += 300.0
    assert not pace.resting()
    pace.ran(open_day=True, due=False, seconds=1.0)
    pace.failed()
    clock[0] += 4.0
    assert not pace.resting()
