"""Numbers in payloads that others wrote: what is a number that can be reckoned with. Pure."""

import math
from typing import Any


def number(value: Any) -> float | None:
    """Give a JSON number as a float; None for anything else, for what is not finite and for what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def amount(value: Any) -> float | None:
    """Give a JSON number that is not negative as a float, else None."""
    found = number(value)
    return found if found is not None and found >= 0 else None
