"""Settings of a run of the virtual plant: from flags, with environment variables as defaults."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from simulators.shifts import DAY_MS, day_start, milliseconds
from simulators.tls import BrokerTls


class PlantSettings(BrokerTls):
    """What to simulate and where to send it; every field is also `HAIDANG_<FIELD>` in the environment."""

    broker_url: str = Field(
        default="mqtt://127.0.0.1:1883", description="broker, mqtt://user:password@host:port or mqtts://"
    )
    simulator_seed: int = Field(default=1, description="same seed, same plant")
    simulator_days: float = Field(default=1.0, ge=0, le=3660, description="days of history")
    simulator_start: datetime | None = Field(default=None, description="begin of the history, ISO 8601")
    simulator_live: bool = Field(default=False, description="go on in real time after the history")
    simulator_sample_period_s: int = Field(default=10, ge=1, le=3600, description="seconds between counter readings")
    simulator_batch: int = Field(default=20, ge=1, le=1000, description="samples in one message of the history")
    simulator_faults: Literal["none", "field"] = Field(
        default="none", description="disturb the delivery as in the field"
    )
    simulator_truth: Path | None = Field(default=None, description="write the ground truth here, JSON lines")

    @field_validator("simulator_start")
    @classmethod
    def _start_has_zone(cls, start: datetime | None) -> datetime | None:
        if start is not None and start.tzinfo is None:
            raise ValueError("needs a UTC offset, such as 2026-11-01T06:00:00+07:00")
        return start

    @model_validator(mode="after")
    def _period_fits_the_hour(self) -> Self:
        if 3600 % self.simulator_sample_period_s:
            raise ValueError("the sample period must divide an hour, so that hours and shifts begin with a reading")
        if self.simulator_live and self.simulator_start is not None:
            raise ValueError("live goes on from now, so it cannot be combined with a start")
        return self

    def span_ms(self, now: datetime) -> tuple[int, int]:
        """Return begin and end of the history: from `start`, or from 06:00 local at least `days` before now."""
        period = self.simulator_sample_period_s * 1000
        lasts = int(self.simulator_days * DAY_MS)
        if self.simulator_start is not None:
            start = milliseconds(self.simulator_start) // period * period
            return start, start + lasts // period * period
        end = milliseconds(now) // period * period
        return (day_start(end - lasts) if lasts else end), end


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(UTC)
