"""What a unit does now: its newest state reading, named by the site's rules or the shipped state model."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from model.data import state_models
from model.vocabulary import TimeClass
from store.serving import STATE_LOOK_BACK, Row

SILENCE = timedelta(hours=1)  # where a unit has no limit of its own: older than this is "last known", not "now"


@dataclass(frozen=True)
class UnitState:
    """One tile: a unit, what it does, since when, when it was last heard."""

    asset: str
    name: str
    state: str
    time_class: str
    sub_class: str
    since: datetime
    is_longer: bool  # unchanged for longer than was looked back
    last: datetime
    is_stale: bool
    is_mapped: bool


def unit_states(
    assets: list[Row], readings: list[Row], intervals: list[Row], rules: list[Row], now: datetime
) -> list[UnitState]:
    """The state of each unit that ever told one and is not retired, in order of key.

    Args:
        assets: rows of `serving.assets`.
        readings: rows of `serving.newest_states`, at most one series per unit is shown.
        intervals: rows of `serving.newest_intervals`, for units without a state series.
        rules: rows of `serving.state_rules`.
        now: the instant of looking.
    """
    read = {row["asset"]: row for row in reversed(readings)}
    computed = {row["asset"]: row for row in intervals}
    found = []
    for asset in assets:
        key = asset["key"]
        if asset["status"] == "retired":
            continue
        if key in read:
            found.append(_from_reading(asset, read[key], rules, now))
        elif key in computed:
            found.append(_from_interval(asset, computed[key], now))
    return found


def _from_reading(asset: Row, reading: Row, rules: list[Row], now: datetime) -> UnitState:
    state = reading["state"] or ""
    meaning = _meaning(asset, state, rules)
    silence = timedelta(microseconds=asset["max_silence_us"]) if asset["max_silence_us"] else SILENCE
    return UnitState(
        asset=asset["key"],
        name=asset["name"],
        state=state,
        time_class=meaning[0] if meaning else TimeClass.UNKNOWN,
        sub_class=meaning[1] if meaning else "",
        since=reading["since"],
        is_longer=reading["ts"] - reading["since"] > STATE_LOOK_BACK - timedelta(minutes=1),
        last=reading["heard"],
        is_stale=now - reading["heard"] > silence,
        is_mapped=meaning is not None or not state,
    )


def _from_interval(asset: Row, interval: Row, now: datetime) -> UnitState:
    return UnitState(
        asset=asset["key"],
        name=asset["name"],
        state=interval["state"],
        time_class=interval["time_class"],
        sub_class=interval["sub_class"],
        since=interval["from_ts"],
        is_longer=False,
        last=interval["to_ts"],
        is_stale=now - interval["to_ts"] > SILENCE,
        is_mapped=True,
    )


def _meaning(asset: Row, state: str, rules: list[Row]) -> tuple[str, str] | None:
    """The rule of the unit or of what it lies in, the nearest first, else the site's, else that of the shipped state
    model; in any case of letters, as the KPI job reads states.
    """
    name = _plain(state)
    said = {rule["asset"]: rule for rule in rules if _plain(rule["state"]) == name}
    parts = asset["key"].split("/")
    for key in (*("/".join(parts[:length]) for length in range(len(parts), 0, -1)), "", None):
        if key in said:
            return said[key]["time_class"], said[key]["sub_class"]
    shipped = state_models().get(asset["state_model"], {}).get(name)
    return (shipped["time_class"], shipped.get("sub_class", "")) if shipped else None


def _plain(state: str) -> str:
    return state.strip().upper()
