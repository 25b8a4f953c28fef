"""What a run found, by phase and in total, and the verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class PhaseResult:
    """One phase. Messages unless the name says values; times in seconds.

    `lost` are messages that are acknowledged and not completely there (or, refused ones, not kept), `doubled` values
    that nobody sent or that are there more often than sent, `misplaced` values that stand in another series than their
    own, `refused_for_now` (part of `rejected`) messages of Sparkplug or of a site known late that are not replayed yet,
    `unsure` messages of Sparkplug without an acknowledgement: not owed, and not in `sent`.
    """

    name: str
    faults: list[str]
    sent: int = 0
    acknowledged: int = 0
    sent_values: int = 0
    stored: int = 0
    rejected: int = 0
    duplicate_values: int = 0
    redelivered: int = 0
    lost: int = 0
    lost_values: int = 0
    doubled: int = 0
    misplaced: int = 0
    refused_for_now: int = 0
    unsure: int = 0
    longest_stall_s: float = 0.0
    first_commit_s: float | None = None  # after the last fault was over
    caught_up_s: float | None = None  # likewise
    values_per_s_before: float | None = None
    catch_up_values_per_s: float | None = None
    is_drained: bool = False

    @property
    def catch_up_ratio(self) -> float | None:
        """The rate after the fault as a multiple of the rate before it."""
        if not self.catch_up_values_per_s or not self.values_per_s_before:
            return None
        return self.catch_up_values_per_s / self.values_per_s_before


@dataclass
class Result:
    """A whole run. `problems` are accounts that are off, workers that ended, faults that could not be done."""

    setting: str
    phases: list[PhaseResult]
    beside: PhaseResult | None  # a broker that was killed: what it lost is its own
    ledger: dict[str, int]
    problems: list[str]
    left_out: list[str]
    seconds: float
    interrupted: bool = False
    took_place: dict[str, int] = field(default_factory=dict)
    sparkplug: dict[str, int] = field(default_factory=dict)
    replays_stored: int = 0

    @property
    def total(self) -> PhaseResult:
        """The sums of the phases; the longest of the times."""
        total = PhaseResult("total", [])
        for name in (
            *("sent", "acknowledged", "sent_values", "stored", "rejected", "duplicate_values", "redelivered"),
            *("lost", "lost_values", "doubled", "misplaced", "refused_for_now", "unsure"),
        ):
            setattr(total, name, sum(getattr(phase, name) for phase in self.phases))
        total.longest_stall_s = max((phase.longest_stall_s for phase in self.phases), default=0.0)
        total.first_commit_s = _largest(self.phases, lambda phase: phase.first_commit_s)
        total.caught_up_s = _largest(self.phases, lambda phase: phase.caught_up_s)
        total.is_drained = all(phase.is_drained for phase in self.phases)
        return total

    @property
    def is_good(self) -> bool:
        """Nothing lost, doubled or misplaced, every account right, and everything sent is stored or refused."""
        total = self.total
        whole = total.sent == total.stored + total.rejected or self.interrupted
        nothing_amiss = not (total.lost or total.lost_values or total.doubled or total.misplaced or self.problems)
        return bool(self.phases) and whole and nothing_amiss


def _largest(phases: Sequence[PhaseResult], value: Callable[[PhaseResult], float | None]) -> float | None:
    known = [found for phase in phases if (found := value(phase)) is not None]
    return max(known, default=None)
