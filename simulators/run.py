"""A run of the virtual plant: history at full speed, then (live) real time, everything acknowledged by the broker.

In: settings, a clock, a stop signal. Out: a summary, and the ground truth as a file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from time import monotonic
from uuid import uuid4

from simulators import truth
from simulators.errors import SettingsError
from simulators.faults import PROFILES, FaultLayer
from simulators.plant import Message, Plant
from simulators.publish import Publisher
from simulators.settings import PlantSettings, utc_now
from simulators.shifts import instant, milliseconds

_TICK_S = 1.0
_REPORT_EVERY_S = 1.0


@dataclass(frozen=True)
class RunSummary:
    """What a run did: begin and end of the simulated stretch, messages, rate."""

    seed: int
    start: datetime
    end: datetime
    published: int
    acknowledged: int
    duplicated: int
    reordered: int
    delayed: int
    seconds: float

    @property
    def messages_per_s(self) -> float:
        """Rate over the whole run."""
        return self.published / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Progress:
    """How far a run is: device time reached, messages so far."""

    at: datetime
    published: int
    live: bool


def run(
    settings: PlantSettings,
    *,
    stop: Event | None = None,
    report: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> RunSummary:
    """Simulate and publish; return when everything is acknowledged (live: after `stop` is set)."""
    _check_truth_file(settings)
    start_ms, end_ms = settings.span_ms(now())
    plant = Plant(
        seed=settings.simulator_seed,
        start_ms=start_ms,
        sample_period_ms=settings.simulator_sample_period_s * 1000,
        anew=settings.simulator_days == 0,  # beside what an earlier plant of this seed may have told
    )
    with Publisher(
        settings.broker_url,
        client_id=f"haidang-simulator-{uuid4().hex[:12]}",
        tls=settings,
        patience_s=None if settings.simulator_live else 60.0,
    ) as publisher:
        session = _Session(settings, plant, publisher, stop or Event(), report)
        session.history(end_ms)
        if settings.simulator_live:
            session.live(now)
        return session.finish()


def _check_truth_file(settings: PlantSettings) -> None:
    path = settings.simulator_truth
    if path is not None and not path.parent.is_dir():
        raise SettingsError(f"the folder of the truth file does not exist: {path.parent}")


class _Session:
    def __init__(
        self,
        settings: PlantSettings,
        plant: Plant,
        publisher: Publisher,
        stop: Event,
        report: Callable[[Progress], None] | None,
    ) -> None:
        self._settings = settings
        self._plant = plant
        self._publisher = publisher
        self._stop = stop
        self._report = report or (lambda _progress: None)
        self._faults = FaultLayer(PROFILES[settings.simulator_faults], settings.simulator_seed)
        self._began = monotonic()
        self._reported = self._began
        self._complete = False

    def history(self, end_ms: int) -> None:
        messages = self._plant.history(end_ms, batch=self._settings.simulator_batch)
        self._send(self._faults.feed(messages), live=False)
        if not self._settings.simulator_live:
            self._send(self._faults.flush(), live=False)
        self._complete = not self._stop.is_set()
        self._publisher.drain()

    def live(self, now: Callable[[], datetime]) -> None:
        while not self._stop.is_set():
            self._send(self._faults.feed(self._plant.advance(milliseconds(now()))), live=True)
            self._publisher.tend(_TICK_S)

    def finish(self) -> RunSummary:
        self._send(self._faults.flush(), live=self._settings.simulator_live, to_the_end=True)
        self._publisher.drain()
        if self._settings.simulator_truth is not None and self._complete:
            truth.write(self._settings.simulator_truth, self._plant.truth())
        return RunSummary(
            seed=self._settings.simulator_seed,
            start=instant(self._plant.start_ms),
            end=instant(self._plant.now_ms),
            published=self._publisher.published,
            acknowledged=self._publisher.acknowledged,
            duplicated=self._faults.duplicated,
            reordered=self._faults.reordered,
            delayed=self._faults.delayed,
            seconds=monotonic() - self._began,
        )

    def _send(self, messages: Iterable[Message], *, live: bool, to_the_end: bool = False) -> None:
        for message in messages:
            if self._stop.is_set() and not to_the_end:
                return
            self._publisher.publish(message.topic, message.payload)
            if monotonic() - self._reported > _REPORT_EVERY_S:
                self._reported = monotonic()
                self._report(Progress(instant(message.ts_ms), self._publisher.published, live))
