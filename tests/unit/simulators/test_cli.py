from datetime import UTC, datetime

import pytest

from simulators.cli import settings_from
from simulators.errors import SettingsError
from simulators.publish import Publisher
from simulators.settings import PlantSettings
from simulators.shifts import DAY_MS, instant, milliseconds

NOW = datetime(2026, 11, 22, 3, 17, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PlantSettings.model_fields:
        monkeypatch.delenv(f"HAIDANG_{name.upper()}", raising=False)


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIDANG_SIMULATOR_SEED", "5")
    monkeypatch.setenv("HAIDANG_BROKER_URL", "mqtt://elsewhere:1884")
    settings = settings_from(["--seed", "9", "--days", "2.5", "--live"])
    assert (settings.simulator_seed, settings.simulator_days, settings.simulator_live) == (9, 2.5, True)
    assert settings.broker_url == "mqtt://elsewhere:1884"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sample-period", "7"], "divide an hour"),
        (["--start", "2026-11-01T06:00:00"], "--start: needs a UTC offset"),
        (["--start", "2026-11-01T06:00:00Z", "--live"], "cannot be combined"),
        (["--batch", "0"], "--batch"),
        (["--days", "-1"], "--days"),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments: list[str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        settings_from(arguments)
    assert "\n" not in str(caught.value)


def test_history_begins_with_a_production_day_and_ends_now() -> None:
    start, end = settings_from(["--days", "3"]).span_ms(NOW)
    assert instant(start).isoformat() == "2026-11-18T23:00:00+00:00"
    assert instant(end).isoformat() == "2026-11-22T03:17:20+00:00"


def test_history_from_a_start_lasts_as_long_as_asked() -> None:
    start, end = settings_from(["--start", "2026-11-02T06:00:03+07:00", "--days", "2"]).span_ms(NOW)
    assert start == milliseconds(datetime(2026, 11, 1, 23, tzinfo=UTC))
    assert end - start == 2 * DAY_MS


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "localhost:1883", "mqtt://x:99999"])
def test_a_wrong_broker_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="broker URL"):
        Publisher(url, client_id="x")


def test_the_password_is_never_shown() -> None:
    assert "secret" not in Publisher("mqtt://me:secret@host:1883", client_id="x").place
