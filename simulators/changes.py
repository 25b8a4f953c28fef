"""What changes at the virtual plant at a planned moment: an improvement that stays, a machine that falls silent.

Used to show assessments against a baseline: what was planted must be found, and nothing else.
"""

from dataclasses import dataclass, replace
from datetime import date

from simulators.layout import SITE, StopKind, UnitSpec

_WORKING = frozenset({"EXECUTE", "SETUP"})


@dataclass(frozen=True)
class Improvement:
    """From an instant (ms since 1970) on, everything of a machine that wastes is multiplied by these factors."""

    from_ms: int
    downtime: float = 0.4  # length of stops that have a reason
    setup: float = 0.6  # length of set-ups
    idle_power: float = 0.5  # electric power in every state but running and setting up

    def of(self, spec: UnitSpec) -> UnitSpec:
        """Give the machine as it is afterwards."""
        powers = {
            state: watts if state in _WORKING else round(watts * self.idle_power)
            for state, watts in spec.power_w.items()
        }
        low, high = spec.setup_s
        stops = tuple(self._shorter(kind) for kind in spec.stops)
        return replace(spec, stops=stops, setup_s=(low * self.setup, high * self.setup), power_w=powers)

    def _shorter(self, kind: StopKind) -> StopKind:
        if not kind.reason:  # a short stop stays one
            return kind
        shortest, longest = kind.shortest_s * self.downtime, kind.longest_s * self.downtime
        return replace(kind, shortest_s=shortest, longest_s=longest)


@dataclass(frozen=True)
class Silence:
    """A machine or meter (asset path) that works but reports nothing on some production days, both included."""

    path: str
    first: date
    last: date

    @property
    def topic(self) -> str:
        """The topic that stays silent."""
        return f"haidang/v1/{SITE}/{self.path}/data"
