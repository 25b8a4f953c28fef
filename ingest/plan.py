"""A batch of messages and what is known of their series in, one plan of what to write out. Pure.

Every value gets exactly one outcome; what the database finds out later (stored before, differs) is added to the same
columns, so the accounts of `ingest.account` cannot lose one.
"""

from collections import defaultdict

import numpy as np

from ingest.columns import CONFLICT, DUPLICATE, REJECTED, STORED, Columns, Plan, add_conflict, number, same_value
from ingest.content import pseudonym, text_problem, time_problem
from ingest.decode.result import Person, Rejection, shown
from ingest.events import PersonKey, find_repeated_events, plan_events
from ingest.headers import headers
from ingest.limits import DAY_US, HOUR_US, DayQuota, Limits
from ingest.seqs import seq_runs
from ingest.series_table import SeriesTable
from model.vocabulary import symbol_id


def make_plan(columns: Columns, table: SeriesTable, limits: Limits, quota: DayQuota, person_key: PersonKey) -> Plan:
    """Decide about every value and event of a batch as far as it can be known without the database."""
    plan = _plan(columns, table, limits)
    _refuse_unknown(plan, table)
    _place_texts(plan, columns.texts, table, limits, person_key)
    _convert(plan, table)
    _check_times(plan, limits)
    plan_events(plan, columns.unusual, limits, person_key)
    _check_days(plan, quota)
    _find_repeats(plan)
    find_repeated_events(plan)
    return plan


def _plan(columns: Columns, table: SeriesTable, limits: Limits) -> Plan:
    messages, ref = columns.messages, columns.ref
    plan = Plan(
        messages=messages,
        headers=headers(messages),
        message=columns.message,
        ref=ref,
        ts_us=columns.ts_us,
        value=columns.value,
        quality=columns.quality,
        outcome=np.zeros(len(ref), np.int8),
        series_id=table.series_id[ref],
        site_id=table.site_id[ref],
        lead_us=table.lead_us[ref],
        lag_us=table.lag_us[ref],
        rejected_decoding=np.zeros(len(messages), np.int64),
        event_rejections=np.zeros(len(messages), np.int64),
        runs=seq_runs(messages, limits),
    )
    for place in columns.unusual:
        rejected = messages[place].decoded.rejected
        if rejected:
            plan.rejections[place].extend(rejected)
            plan.rejected_decoding[place] = sum(rejection.values for rejection in rejected)
    return plan


def _refuse_unknown(plan: Plan, table: SeriesTable) -> None:
    refused = np.flatnonzero(table.refused[plan.ref])
    if len(refused):
        plan.refuse(refused, lambda place: table.refusals[int(plan.ref[place])])


def _place_texts(
    plan: Plan, special: list[tuple[int, str]], table: SeriesTable, limits: Limits, person_key: PersonKey
) -> None:
    """Texts become symbol numbers; a number where a text belongs, or the other way, is refused."""
    is_text = table.is_text[plan.ref]
    for place, value in special:
        if plan.outcome[place] == REJECTED:
            continue
        text = value
        source = plan.messages[int(plan.message[place])].source
        problem = None if is_text[place] else _not_a_number(table, plan, place, text)
        if problem is None and type(text) is Person:
            key = person_key(source)
            problem = None if key else Rejection("no_person_key", f"site {source.site} has no key for pseudonyms")
            text = pseudonym(text, key or b"")
        problem = problem or text_problem(text, limits)
        if problem is None and table.barred and (text, int(plan.series_id[place])) in table.barred:
            problem = _too_many_texts(table, plan, place, text, limits)
        if problem:
            plan.refuse(np.array([place]), lambda _place, why=problem: why)  # type: ignore[misc]
        else:
            plan.value[place] = float(symbol_id(text))
            plan.texts.add((text, int(plan.series_id[place])))
    numbers = is_text & ~np.isnan(plan.value) & (plan.outcome != REJECTED)
    if numbers.any():
        texts = {place for place, _ in special}
        for place in (place for place in np.flatnonzero(numbers).tolist() if place not in texts):
            name = table.refs[int(plan.ref[place])].name
            why = Rejection("wrong_type", f"{name} must be a text, not {plan.value[place]:g}")
            plan.refuse(np.array([place]), lambda _place, why=why: why)  # type: ignore[misc]


def _too_many_texts(table: SeriesTable, plan: Plan, place: int, text: str, limits: Limits) -> Rejection:
    name = table.refs[int(plan.ref[place])].name
    most = f"{limits.texts_per_series:,}"
    return Rejection("too_many_texts", f"{name} brought {most} texts, {shown(text)} is one more: is it a state?")


def _not_a_number(table: SeriesTable, plan: Plan, place: int, text: str) -> Rejection:
    name = table.refs[int(plan.ref[place])].name
    seen = "the name of a person" if type(text) is Person else shown(text)
    return Rejection("wrong_type", f"{name} must be a number, not {seen}")


def _convert(plan: Plan, table: SeriesTable) -> None:
    """Bring numbers to the unit of their series; no infinite one passes, whatever else is in the batch."""
    scale, offset = table.scale[plan.ref], table.offset[plan.ref]
    if (scale != 1.0).any() or offset.any():
        numbers = ~table.is_text[plan.ref] & ~np.isnan(plan.value)
        with np.errstate(over="ignore"):
            plan.value[numbers] = plan.value[numbers] * scale[numbers] + offset[numbers]
    overflown = np.flatnonzero(np.isinf(plan.value) & (plan.outcome != REJECTED))
    if len(overflown):
        plan.refuse(overflown, lambda _: Rejection("not_finite", "a value is too large in the unit of its series"))


def _check_times(plan: Plan, limits: Limits) -> None:
    received = plan.headers.received_us[plan.message]
    live = plan.outcome != REJECTED
    early = np.flatnonzero(live & (plan.ts_us < limits.earliest_us))
    ahead = np.flatnonzero(live & (plan.ts_us > received + limits.future_us))
    for places in (early, ahead):
        if len(places):
            plan.refuse(places, lambda place: time_problem(int(plan.ts_us[place]), int(received[place]), limits))


def _check_days(plan: Plan, quota: DayQuota) -> None:
    """Refuse values of more unknown days than a device may open in an hour; remember the others."""
    live = plan.outcome != REJECTED
    days = plan.ts_us // DAY_US
    unknown = [day for day in np.unique(days[live]).tolist() if not quota.is_known(day)]
    if not unknown:
        return
    places = np.flatnonzero(live & np.isin(days, unknown))
    by_device: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in places.tolist():
        message = plan.messages[int(plan.message[place])]
        by_device[message.source.device_id, message.received_us // HOUR_US].append(place)
    for (device_id, hour), own in by_device.items():
        wanted = {int(days[place]) for place in own}
        allowed = quota.admit(device_id, hour, wanted)
        plan.opened_days.setdefault(device_id, set()).update(allowed)
        over = np.array([place for place in own if int(days[place]) not in allowed], np.int64)
        detail = f"the device sent {len(wanted)} days at once that were not there; is its clock right?"
        plan.refuse(over, lambda _, detail=detail: Rejection("too_many_days", detail))  # type: ignore[misc]


def _find_repeats(plan: Plan) -> None:
    """Sort what is to be stored by key; of several values of one key the first received stays."""
    live = np.flatnonzero(plan.outcome == STORED)
    series, times = plan.series_id[live], plan.ts_us[live]
    order = np.lexsort((times, series))  # stable: equal keys stay in order of receipt
    ordered = live[order]
    same = np.zeros(len(ordered), np.bool_)
    same[1:] = (np.diff(series[order]) == 0) & (np.diff(times[order]) == 0)
    if same.any():
        firsts = ordered[np.maximum.accumulate(np.where(same, 0, np.arange(len(ordered))))]
        for place, first in zip(ordered[same].tolist(), firsts[same].tolist(), strict=True):
            equal = same_value(plan, place, first)
            plan.outcome[place] = DUPLICATE if equal else CONFLICT
            if not equal:
                add_conflict(plan, place, {"value": number(plan.value[first]), "quality": int(plan.quality[first])})
    plan.to_store = ordered[~same]
