"""What a run of the KPI job brought, in numbers and as one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kpi.running.stages import added

_WAITING = (
    "another process is computing {}: what waits there stays marked for it, for the running service or the next "
    "`haidang kpi run`"
)


@dataclass(frozen=True)
class Summary:
    """What a run brought, over all sites."""

    sites: int = 0
    days: int = 0
    readings: int = 0
    values_new: int = 0
    values_revised: int = 0
    seconds: float = 0.0
    busy: tuple[str, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)  # seconds of reading, computing, rolling up, storing

    def text(self) -> str:
        """One sentence for a person."""
        waiting = f"; {_WAITING.format(', '.join(self.busy))}" if self.busy else ""
        return (
            f"{_of(self.days, 'production day')} of {_of(self.sites, 'site')} from {_of(self.readings, 'reading')} in "
            f"{self.seconds:.1f} s: {self.values_new:,} values new or replaced, {self.values_revised:,} final values "
            f"revised{waiting}"
        )

    def plus(self, other: "Summary") -> "Summary":
        """Add what another run brought."""
        return Summary(
            self.sites + other.sites,
            self.days + other.days,
            self.readings + other.readings,
            self.values_new + other.values_new,
            self.values_revised + other.values_revised,
            self.seconds + other.seconds,
            self.busy + other.busy,
            added(self.stages, other.stages),
        )


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
