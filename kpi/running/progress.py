"""How far a pass of the KPI job is: a fraction and a few words, told to whoever wants to show it, if anybody."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[float, str], None]  # how much of the pass is done, 0 to 1, and what is being done


@dataclass(frozen=True)
class Gauge:
    """A stretch of the way, from one fraction of the whole to another, and where on it the work is told to be.

    Args:
        tell: told the fraction of the whole and what is being done; None when nobody listens.
        first: fraction of the whole at which the stretch begins.
        last: fraction at which it ends.
        about: put before what is being done.
    """

    tell: Progress | None = None
    first: float = 0.0
    last: float = 1.0
    about: str = ""

    @property
    def heard(self) -> bool:
        """Whether anybody listens: what is only told need not be found out for nobody."""
        return self.tell is not None

    def at(self, share: float, what: str) -> None:
        """Tell how much of the stretch is done; more than all of it, by an estimate too low, is all of it."""
        if self.tell is not None:
            text = f"{self.about}: {what}" if self.about else what
            self.tell(self.first + (self.last - self.first) * min(max(share, 0.0), 1.0), text)

    def part(self, first: float, last: float, about: str = "") -> "Gauge":
        """Give a part of the stretch, by its own fractions."""
        length = self.last - self.first
        return Gauge(self.tell, self.first + length * first, self.first + length * last, about or self.about)
