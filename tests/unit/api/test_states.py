from datetime import UTC, datetime, timedelta
from typing import Any

from api.console.states import unit_states

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def asset(**more: Any) -> dict[str, Any]:
    return {"key": "l/u", "name": "Unit", "status": "active", "state_model": "packml", "max_silence_us": None, **more}


def reading(state: str | None, minutes: float = 1, since_minutes: float = 30) -> dict[str, Any]:
    ts = NOW - timedelta(minutes=minutes)
    since = NOW - timedelta(minutes=since_minutes)
    return {"asset": "l/u", "ts": ts, "heard": ts, "quality": 0, "state": state, "since": since}


def rule(state: str, time_class: str, of: str | None) -> dict[str, Any]:
    return {"asset": of, "state": state, "time_class": time_class, "sub_class": ""}


def test_the_shipped_model_names_a_state() -> None:
    (found,) = unit_states([asset()], [reading("ABORTED")], [], [], NOW)
    assert (found.time_class, found.sub_class, found.is_stale) == ("delay", "fault", False)


def test_a_sites_own_rule_wins_and_the_units_own_wins_over_it() -> None:
    rules = [rule("X", "delay", None), rule("X", "setup", "l/u"), rule("EXECUTE", "delay", None)]
    assert unit_states([asset()], [reading("X")], [], rules, NOW)[0].time_class == "setup"
    assert unit_states([asset()], [reading("EXECUTE")], [], rules, NOW)[0].time_class == "delay"


def test_states_are_read_as_the_job_reads_them_in_any_case_and_by_the_line_of_the_unit() -> None:
    assert unit_states([asset()], [reading(" Execute")], [], [], NOW)[0].time_class == "production"
    rules = [rule("Laeuft", "production", "l"), rule("laeuft", "setup", None)]
    assert unit_states([asset()], [reading("LAEUFT")], [], rules, NOW)[0].time_class == "production"


def test_a_retired_unit_has_no_tile() -> None:
    assert unit_states([asset(status="retired")], [reading("EXECUTE")], [], [], NOW) == []


def test_a_state_without_a_meaning_is_unknown_and_says_so() -> None:
    (found,) = unit_states([asset()], [reading("WOBBLING")], [], [], NOW)
    assert (found.time_class, found.is_mapped) == ("unknown", False)


def test_no_signal_is_never_a_stop_nor_production() -> None:
    (found,) = unit_states([asset()], [reading(None)], [], [], NOW)
    assert (found.time_class, found.is_mapped) == ("unknown", True)


def test_silence_longer_than_the_units_limit_is_the_last_known_state() -> None:
    limited = asset(max_silence_us=60_000_000)
    assert unit_states([limited], [reading("EXECUTE", minutes=2)], [], [], NOW)[0].is_stale
    assert not unit_states([asset()], [reading("EXECUTE", minutes=40)], [], [], NOW)[0].is_stale


def test_a_machine_that_reports_by_exception_is_not_silent() -> None:
    quiet = {**reading("EXECUTE", minutes=300), "heard": NOW - timedelta(seconds=5)}
    assert not unit_states([asset()], [quiet], [], [], NOW)[0].is_stale


def test_a_unit_without_a_state_series_shows_its_last_interval() -> None:
    interval = {
        "asset": "l/u",
        "from_ts": NOW - timedelta(days=9, hours=8),
        "to_ts": NOW - timedelta(days=9),
        "time_class": "production",
        "sub_class": "",
        "reason": "",
        "state": "",
        "origin": "record",
    }
    (found,) = unit_states([asset()], [], [interval], [], NOW)
    assert (found.time_class, found.is_stale, found.last) == ("production", True, NOW - timedelta(days=9))
