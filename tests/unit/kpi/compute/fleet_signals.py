"""What a plant of a fleet sends: states, modes, counters, meters, told orders, with gaps, resets and lost signals.

In: chance and the first instant. Out: rows (ts, value, quality) per series; texts stand for states, null for no signal.
"""

from collections.abc import Sequence
from random import Random

from model.vocabulary import Quality
from tests.unit.kpi.compute.plants import MINUTE, SECOND

Row = tuple[int, float | str | None, int]
GOOD, LOST = Quality.GOOD.value, Quality.NO_SIGNAL.value
DOUBTFUL = (Quality.UNCERTAIN.value, Quality.HISTORICAL.value)
QUARTER = 900 * SECOND
LENGTH = 4320 + 900  # minutes in which something is sent: the days and what comes around them


def instants(chance: Random, start: int, low: int, high: int) -> list[int]:
    """Instants with gaps of low..high minutes, on whole minutes or not; sometimes one long gap."""
    jitter = chance.choice([0, 0, 59_999_999])
    silent = chance.randint(0, LENGTH) if chance.random() < 0.3 else LENGTH + 1
    found, at = [], chance.randint(low, high)
    while at < LENGTH:
        found.append(start + at * MINUTE + (chance.randint(0, jitter) if jitter else 0))
        at += chance.randint(low, high)
        if at > silent:
            at, silent = at + chance.choice([240, 900, 2000]), LENGTH + 1
    return found


def told(chance: Random, at: Sequence[int], texts: Sequence[str | None]) -> list[Row]:
    """A series of texts."""
    return [(ts, text, LOST if text is None else GOOD) for ts in at for text in [chance.choice(texts)]]


def counts(chance: Random, at: Sequence[int], modulus: float | None = None, factor: float = 1.0) -> list[Row]:
    """A counter that counts, stands, is reset, shows false zeros and loses its signal."""
    value, rows = chance.randint(0, 50), list[Row]()
    for ts in at:
        step = chance.random()
        if step < 0.65:
            value += chance.randint(1, 40)
        elif step < 0.72:
            value = chance.randint(0, 5)
        shown: float | None = 0.0 if 0.72 <= step < 0.8 else value * factor
        quality = chance.choice(DOUBTFUL) if 0.8 <= step < 0.84 else GOOD
        if step > 0.92:
            shown, quality = (None, LOST) if step > 0.95 else (shown, Quality.BAD.value)
        rows.append((ts, shown if modulus is None or shown is None else shown % modulus, quality))
    return rows


def quarters(chance: Random, start: int) -> list[Row]:
    """Energy of quarters of an hour, some of which are missing."""
    grid, missing = start // QUARTER * QUARTER, chance.choice([0.0, 0.3, 0.8])
    labels = [k for k in range(LENGTH // 15) if chance.random() >= missing]
    return [(grid + k * QUARTER, float(k % 11), GOOD) for k in labels or [0]]


def power(chance: Random, at: Sequence[int]) -> list[Row]:
    """kW from change to change."""
    return [(ts, kw, LOST if kw is None else GOOD) for ts in at for kw in [chance.choice([0.0, 2.5, 7.1, None])]]
