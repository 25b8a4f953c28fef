"""What a computation noticed, said in one sentence each for the person who can mend it. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from model.canonical import canonical_json

_SENTENCES = {
    "unmapped_state": "State {state!r} has no time class: {duration} of unknown time; map it under state_map.",
    "unknown_reason": "Reason {reason!r} is not in the registry: add it under reasons.",
    "stop_reason_outside_stop": "The stop reason {reason!r} of {ts} lies in no stop and was not used.",
    "counter_reset": "The counter {series!r} fell {times} times: taken as resets.",
    "counter_anomaly": "The counter {series!r} rose impossibly {times} times: {amount:g} left out.",
    "counter_gap": "The counter {series!r} jumped over {times} gaps: {amount:g} are in totals only.",
    "partial_start": "The counter {series!r} is known from {ts} on: what it counted before is not.",
    "several_state_series": "Several series tell the state: {used!r} is used, the others are not.",
    "quality_not_measured": "Only a total is counted: without good or reject counts quality is not measured.",
    "missing_ideal_cycle": "{pieces:g} pieces of product {product!r}{tool_text} have no ideal cycle: add a routing.",
    "missing_spec_limit": "{values} values of {characteristic!r} have no limits: give lower, upper or spec_limits.",
    "count_mismatch": "The record of {from_us} says {total:g} in total, but {good:g} good and {reject:g} rejected.",
    "overlapping_runs": "The record that begins {from_us} overlaps the next one and is cut at {cut_us}.",
}
_INSTANTS = ("ts", "from_us", "cut_us")


def listed(runs: Iterable[tuple[date, date, list[dict[str, Any]]]], zone: str) -> list[dict[str, Any]]:
    """List each finding once, with the computed days (both included) that it is from.

    Args:
        runs: first day, last day, findings of computations.
        zone: time zone in which instants are written.
    """
    days: dict[bytes, tuple[date, date, dict[str, Any]]] = {}
    for first, last, findings in runs:
        for each in findings:
            key = canonical_json(each)
            known = days.get(key, (first, last, each))
            days[key] = (min(known[0], first), max(known[1], last), each)
    order = sorted(days.values(), key=lambda row: (row[0], str(row[2].get("asset")), row[2]["kind"]))
    return [
        {
            "from_day": first,
            "to_day": last,
            "asset": each.get("asset") or "",
            "kind": each["kind"],
            "text": sentence(each, zone),
        }
        for first, last, each in order
    ]


def sentence(finding: Mapping[str, Any], zone: str) -> str:
    """Say a finding in one sentence; one of a kind that is not known here shows its details as they are."""
    pattern = _SENTENCES.get(finding["kind"])
    if pattern is None:
        details = (f"{name} {value}" for name, value in finding.items() if name not in {"kind", "asset"})
        return f"{finding['kind'].replace('_', ' ')}: {', '.join(details)}"
    fields = {**finding, **{name: _clock(finding[name], zone) for name in _INSTANTS if name in finding}}
    tool = finding.get("tool")
    hours = finding.get("duration_us", 0) / 3.6e9
    return pattern.format(**fields, tool_text=f" on tool {tool!r}" if tool else "", duration=f"{hours:.2f} h")


def _clock(us: int, zone: str) -> str:
    local = datetime.fromtimestamp(us / 1e6, UTC).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S}"
