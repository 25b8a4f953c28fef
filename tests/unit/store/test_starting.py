"""Start and stop of services: a refusal is one line, a signal sets the event, other errors stay loud."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
import structlog

from store.errors import StoreError
from store.starting import serve_as, stop_on_signals


class OwnError(Exception):
    """An error of a service."""


@dataclass(frozen=True)
class Settings:
    log_format: Literal["text", "json"] = "text"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    structlog.reset_defaults()


@pytest.mark.parametrize("error", [OwnError("two\n  lines"), StoreError("two lines")])
def test_what_ends_a_service_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_: Settings) -> None:
        raise error

    assert serve_as("job", Settings, run, OwnError) == 1
    assert capsys.readouterr().err == "haidang job: two lines\n"


def test_settings_that_cannot_be_read_refuse_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> Settings:
        raise OwnError("HAIDANG_DATABASE_URL is missing")

    assert serve_as("job", read, lambda _: None, OwnError) == 1
    assert capsys.readouterr().err == "haidang job: HAIDANG_DATABASE_URL is missing\n"


def test_an_orderly_stop_is_0_and_other_errors_stay_loud() -> None:
    def broken(_: Settings) -> None:
        raise ZeroDivisionError

    assert serve_as("job", Settings, lambda _: None, OwnError) == 0
    with pytest.raises(ZeroDivisionError):
        serve_as("job", Settings, broken, OwnError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_ask_to_stop(number: signal.Signals) -> None:
    stop = stop_on_signals()
    assert not stop.is_set()
    signal.raise_signal(number)
    assert stop.is_set()
