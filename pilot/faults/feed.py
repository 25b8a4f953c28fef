"""What a publisher sends next: numbered messages of its devices in turn, and, when asked, disorder among them.

Pure but for its own seeded generator. Every message that must be refused is remembered with its digest, so the stored
refusals can be compared one by one.
"""

import json
import random
from collections import deque
from dataclasses import dataclass, field, replace

from pilot.faults.load import PARTLY, POISON, Load, digest, payload, poison, size, time_ms, topic
from pilot.faults.record import VALUES, Record, asset_key, late_speaker, names, value

HELD = 12  # messages that wait to be reordered
DUPLICATE_SHARE = 0.06
REORDER_SHARE = 0.5
POISON_SHARE = 0.03


@dataclass(frozen=True)
class Outgoing:
    """One message to publish; `key` is (device, number, kind), kind empty for a numbered one."""

    key: tuple[int, int, str]
    topic: str
    payload: bytes
    values: int  # that are to be stored of it
    is_repeat: bool = False  # a copy of it was taken before


@dataclass(frozen=True)
class Refusal:
    """A message that must be kept as refused, or whose bad value must be; `late`: what is stored of it if replayed."""

    key: tuple[int, int, str]
    digest: bytes
    whole: bool
    late: Record | None = None


@dataclass
class Feed:
    """The messages of some devices; numbers of each begin at 1."""

    load: Load
    devices: list[int]
    seed: int
    in_disorder: bool = False
    late_turn: int = 1  # of the site that will be known next
    late_wanted: int = 0  # messages for that site to mix in
    next_number: dict[int, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - same seed, same disorder
        self.next_number = dict.fromkeys(self.devices, 1)
        self._turn = 0
        self._late_number = 0
        self._held: deque[Outgoing] = deque()
        self._doubled: dict[tuple[int, int, str], bool] = {}  # key of a message held twice, whether one copy is gone

    def take(self) -> Outgoing:
        """The next message to publish."""
        if self.late_wanted > 0:
            self.late_wanted -= 1
            return self._late()
        if not self.in_disorder:
            return self._release() if self._held else self._numbered()
        while len(self._held) < HELD:
            self._hold_more()
        if self._random.random() < REORDER_SHARE:
            self._held.rotate(self._random.randrange(HELD))
        return self._release()

    def flush(self) -> list[Outgoing]:
        """What is still held back."""
        return [self._release() for _ in range(len(self._held))]

    def _release(self) -> Outgoing:
        made = self._held.popleft()
        if self._doubled.get(made.key) is False:
            self._doubled[made.key] = True
        elif self._doubled.pop(made.key, False):
            return replace(made, is_repeat=True)
        return made

    def _hold_more(self) -> None:
        made = self._numbered()
        self._held.append(made)
        if self._random.random() < DUPLICATE_SHARE:
            self._doubled[made.key] = False
            self._held.append(made)
        if self._random.random() < POISON_SHARE:
            self._held.append(self._poison(*made.key[:2]))

    def _numbered(self) -> Outgoing:
        device = self.devices[self._turn]
        self._turn = (self._turn + 1) % len(self.devices)
        number = self.next_number[device]
        self.next_number[device] = number + 1
        partly = self.in_disorder and self._random.random() < POISON_SHARE / len(POISON)
        content, where = payload(self.load, device, number, partly_bad=partly), topic(device)
        if partly:
            self.refusals.append(Refusal((device, number, ""), digest(where, content), whole=False))
        return Outgoing((device, number, ""), where, content, size(self.load, number))

    def _late(self) -> Outgoing:
        """A message that is refused now, since its site is not known yet, and may be stored by a replay."""
        self._late_number += 1
        device, number = self._random.choice(self.devices), self._late_number
        speaker = late_speaker(self.late_turn, device)
        site, path = asset_key(speaker)
        values = {name: value(speaker, number, place) for place, name in enumerate(names())}
        where = f"haidang/v1/{site}/{path}/data"
        ts_ms = time_ms(self.load, number)
        content = json.dumps({"ts": ts_ms, "values": values}).encode()
        key, found = (device, number, f"late {self.late_turn}"), digest(where, content)
        late = Record(speaker, number, ts_ms, (1 << VALUES) - 1, found)
        self.refusals.append(Refusal(key, found, whole=True, late=late))
        return Outgoing(key, where, content, 0)

    def _poison(self, device: int, number: int) -> Outgoing:
        kind = self._random.choice([kind for kind in POISON if kind != PARTLY])
        where, content = poison(self.load, device, number, kind)
        self.refusals.append(Refusal((device, number, kind), digest(where, content), whole=True))
        return Outgoing((device, number, kind), where, content, 0)
