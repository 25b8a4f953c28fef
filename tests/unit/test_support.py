"""The helpers that decide whether a test waits, skips or fails."""

from itertools import count

import pytest

from tests.support.database import with_database, with_user
from tests.support.required import missing
from tests.support.service import environment
from tests.support.waiting import wait_until


def test_waiting_returns_the_first_true_answer() -> None:
    numbers = count()
    assert wait_until(lambda: next(numbers) >= 2 and "done", timeout_s=5) == "done"


def test_waiting_fails_at_the_deadline_and_says_for_what() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s for rain; the last answer was 0"):
        wait_until(lambda: 0, timeout_s=0.05, what="rain")


def test_a_missing_service_is_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIDANG_TEST_REQUIRE", "timescaledb")
    with pytest.raises(pytest.skip.Exception, match="no mosquitto: not found"):
        missing("mosquitto", "not found")


def test_a_missing_service_is_a_failure_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIDANG_TEST_REQUIRE", "timescaledb, mosquitto")
    with pytest.raises(pytest.fail.Exception, match="mosquitto is required here"):
        missing("mosquitto", "not found")


def test_addresses_keep_what_was_not_asked_to_change() -> None:
    url = "postgresql://postgres:secret@127.0.0.1:5433/postgres?sslmode=disable"
    assert with_database(url, "x") == "postgresql://postgres:secret@127.0.0.1:5433/x?sslmode=disable"
    assert with_user(url, "haidang_kpi") == "postgresql://haidang_kpi@127.0.0.1:5433/postgres?sslmode=disable"


def test_services_do_not_inherit_the_developers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIDANG_BROKER_URL", "mqtt://somewhere")
    made = environment({"HAIDANG_DATABASE_URL": "postgresql://here"})
    assert made["HAIDANG_DATABASE_URL"] == "postgresql://here"
    assert "HAIDANG_BROKER_URL" not in made
    assert "PATH" in made
