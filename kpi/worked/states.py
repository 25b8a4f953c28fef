"""Worked examples of state models and their numbers, and of stops cut to the calendar."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from kpi.worked.base import sums, value
from kpi.worked.result import Answers, Inputs
from kpi.worked.weeks import in_one_week, is_dated, round_the_week, spans
from model.calendar import paint
from model.packml import STATES

US_PER_HOUR = 3_600_000_000
# Codes by ten thousands, and which states of a PackML machine they stand for, as the data model of the United
# Manufacturing Hub lists them: executing produces, states that act on a filled machine produce slowly, suspended lacks
# material, held is a technical stop, everything else (clearing, starting, idle, complete) a stop unexplained.
_ACTING = ("STOPPING", "ABORTING", "HOLDING", "UNHOLDING", "SUSPENDING", "UNSUSPENDING", "COMPLETING")
_CODES = {"EXECUTE": 10_000, **dict.fromkeys(_ACTING, 20_000), "SUSPENDED": 90_000, "HELD": 220_000}
_STOPPED = 40_000
_STEP = 10_000
_WORD = re.compile(r"[A-Za-z]+")


def packml_codes(given: Inputs) -> Answers:
    """Names of PackML state numbers, as the standard spells them."""
    names = [STATES.get(str(code).removesuffix(".0")) for code in given["codes"]]
    return {"names": [None if name is None else name.capitalize() for name in names]}


def packml_bucket(given: Inputs) -> Answers:
    """Code of each state; states that the example itself names beside a code, in a list or a text, win."""
    known = {name.upper() for name in STATES.values()}
    own = {
        state.upper(): int(code)
        for code, named in given["buckets"].items()
        for state in (map(str, named) if isinstance(named, list) else _WORD.findall(str(named)))
        if isinstance(named, list) or state.upper() in known
    }
    return {"buckets": [own.get(state.upper(), _CODES.get(state.upper(), _STOPPED)) for state in given["states"]]}


def loss_class(given: Inputs) -> Answers:
    """Which codes are losses of availability and of performance; a code named itself goes before its ten thousands."""
    slow, down = given["performance_loss_states"], given["availability_loss_states"]
    return {
        "performance": [_is_loss(code, slow, down) for code in given["codes"]],
        "availability": [_is_loss(code, down, slow) for code in given["codes"]],
    }


def _is_loss(code: int, losses: Sequence[int], others: Sequence[int]) -> bool:
    return code in losses or (code not in others and code // _STEP * _STEP in losses)


def availability_clipped(given: Inputs) -> Answers:
    """Availability with stops cut to the operating windows; stops that overlap count once."""
    dated = is_dated(given["operating_windows"])
    down = spans(given["down_intervals"], "down", as_written=not dated)
    windows, stops = spans(given["operating_windows"], "open"), down if dated else in_one_week(down)
    if not dated and not is_dated(given["down_intervals"]):
        windows, stops = round_the_week(windows), round_the_week(stops)
    windows, stops = paint(windows), paint(stops)
    planned = sum(span.to_us - span.from_us for span in windows)
    inside = sum(max(0, min(w.to_us, d.to_us) - max(w.from_us, d.from_us)) for w in windows for d in stops)
    frame = sums(pbt=planned / 1e6, apt=(planned - inside) / 1e6)
    return {
        "planned_h": planned / US_PER_HOUR,
        "downtime_in_window_h": inside / US_PER_HOUR,
        "availability": value("availability", frame),
    }


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "packml_codes": packml_codes,
    "packml_bucket": packml_bucket,
    "loss_class": loss_class,
    "availability_clipped": availability_clipped,
}
