"""Which faults come when: each once, then several at a time until the minutes are over. Pure, from a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pilot.faults.kinds import Kind

AT_ONCE = 4
IN_SHORT = 9  # faults of a phase where every fault is to come once in little time
IN_TURN = 3  # of these on the same thing, one after another
BETWEEN_S = 0.3
ALONE_S = 15.0  # that a fault alone takes with what comes before and after it
BEFORE_S = 2.0


@dataclass(frozen=True)
class Occurrence:
    """A fault from a second of its phase on, for so many seconds."""

    kind: Kind
    at_s: float
    for_s: float


@dataclass(frozen=True)
class Phase:
    """Faults that belong together; `is_due` = also when the minutes are over."""

    name: str
    occurrences: tuple[Occurrence, ...]
    is_due: bool

    @property
    def first_s(self) -> float:
        """When the first fault begins."""
        return min(occurrence.at_s for occurrence in self.occurrences)


def plan(kinds: Sequence[Kind], *, minutes: float, seed: int) -> Iterator[Phase]:
    """Phases without end: every fault once, alone where the minutes allow it, then at random."""
    chance = random.Random(seed)  # noqa: S311 - same seed, same plan
    is_long = minutes * 60 >= len(kinds) * ALONE_S
    once = list(kinds)
    chance.shuffle(once)
    for group in [[kind] for kind in once] if is_long else grouped(once):
        yield _phase(group, chance, is_long=is_long, is_due=True)
    while True:
        wanted = chance.sample(list(kinds), min(len(kinds), chance.randint(2, AT_ONCE)))
        yield _phase(_apart(wanted), chance, is_long=is_long, is_due=False)


def grouped(kinds: Sequence[Kind]) -> list[list[Kind]]:
    """All kinds in a few groups; in each a few that act on the same thing, one after another."""
    groups: list[list[Kind]] = []
    for kind in kinds:
        for group in groups:
            alike = sum(other.resource == kind.resource for other in group)
            if len(group) < IN_SHORT and alike < IN_TURN:
                group.append(kind)
                break
        else:
            groups.append([kind])
    return groups


def _apart(kinds: Sequence[Kind]) -> list[Kind]:
    """Of those that act on the same thing only the first."""
    return list({kind.resource: kind for kind in reversed(kinds)}.values())


def _phase(kinds: Sequence[Kind], chance: random.Random, *, is_long: bool, is_due: bool) -> Phase:
    occurrences = []
    free_s: dict[str, float] = {}  # when a thing is whole again
    before = BEFORE_S if is_long else BEFORE_S / 2
    for kind in kinds:
        longest = kind.longest_s if is_long else kind.shortest_s * 1.5
        at_s = before + (chance.uniform(0, 2.0 if is_long else 0.7) if len(kinds) > 1 else 0)
        at_s = max(at_s, free_s.get(kind.resource, 0.0) + BETWEEN_S)
        for_s = chance.uniform(kind.shortest_s, longest)
        free_s[kind.resource] = at_s + for_s
        occurrences.append(Occurrence(kind, at_s, for_s))
    return Phase(" + ".join(kind.title for kind in kinds), tuple(occurrences), is_due)
