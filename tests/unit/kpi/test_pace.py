from kpi.service import Pace
from kpi.settings import KpiSettings


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
