"""What the messages of a batch are, beside their values, as columns: whose account they stand in, and what is special.

Pure. Taken when a batch is planned: sources may get other ids while it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.limits import HOUR_US
from ingest.message import Message

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Key = tuple[int, int, int]  # site id, device id, hour since 1970; 0 stands for not known


@dataclass(frozen=True)
class Headers:
    """One entry for each message; `group` is the place of its account in `keys`."""

    received_us: Ints
    group: Ints
    keys: list[Key]
    is_derived: Flags
    is_refused: Flags  # as a whole
    may_repeat: Flags
    is_replay: Flags
    ignored: Ints
    missing: Ints
    says: list[int]  # messages that say something beside values: that a device is there, what became of a node

    def place_of(self, message: int) -> tuple[int, int]:
        """Site id and device id of the message at a place, as they were when the batch was planned."""
        site_id, device_id, _ = self.keys[self.group[message]]
        return site_id, device_id


def headers(messages: Sequence[Message]) -> Headers:
    """Gather the headers of a batch; nearly all messages are plain, so only the others are looked at one by one."""
    size = len(messages)
    received_us = np.array([message.received_us for message in messages], np.int64)
    group, keys = _accounts(messages, received_us // HOUR_US)
    flags = np.zeros((4, size), np.bool_)
    counts = np.zeros((2, size), np.int64)
    says: list[int] = []
    for place, message in enumerate(messages):
        decoded = message.decoded
        if message.is_derived or message.may_repeat or message.replay_of or decoded.whole is not None:
            whole, is_replay = decoded.whole is not None, message.replay_of > 0
            flags[:, place] = message.is_derived, whole, message.may_repeat, is_replay
        if decoded.ignored or decoded.missing:
            counts[:, place] = decoded.ignored, decoded.missing
        if decoded.effects or decoded.online is not None:
            says.append(place)
    derived, refused, repeated, replayed = flags
    ignored, missing = counts
    return Headers(received_us, group, keys, derived, refused, repeated, replayed, ignored, missing, says)


def _accounts(messages: Sequence[Message], hours: Ints) -> tuple[Ints, list[Key]]:
    """The account of each message, and all accounts: by source first, since a batch has few of them."""
    if not len(hours):
        return hours, []
    sources = [message.source for message in messages]
    place_of = {source: place for place, source in enumerate(dict.fromkeys(sources))}
    source = np.fromiter(map(place_of.__getitem__, sources), np.int64, len(sources))
    first, span = int(hours.min()), int(hours.max() - hours.min()) + 1
    pairs, inverse = np.unique(source * span + (hours - first), return_inverse=True)
    named, places = list(place_of), dict[Key, int]()
    found = np.empty(len(pairs), np.int64)
    for at, pair in enumerate(pairs.tolist()):
        one = named[pair // span]
        key = (one.site_id, one.device_id, first + pair % span)
        found[at] = places.setdefault(key, len(places))
    return found[inverse], list(places)
