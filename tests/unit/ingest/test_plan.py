"""Plans and accounts: every value has one outcome, every message one column, and the sums hold for any batch."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import account
from ingest.columns import CONFLICT, DUPLICATE, REJECTED, STORED, Plan
from ingest.content import pseudonym
from ingest.decode.result import Event, Person, Rejection, Value, packed
from ingest.limits import DAY_US, DayQuota, Limits
from ingest.message import Message
from ingest.route import Router
from ingest.series_table import SeriesTable
from model.ledger import MESSAGE_ACCOUNT, VALUE_ACCOUNT
from model.units import Conversion
from model.vocabulary import symbol_id
from tests.unit.ingest.builders import NOW_US, known_source, message, plan_of


def value(name: str, ts_us: int, content: float | str | None, quality: int = 0) -> Value:
    return (name, None, ts_us, content, quality)


values = st.builds(
    value,
    st.sampled_from(["a", "b", "state"]),
    st.sampled_from([NOW_US, NOW_US - 1, NOW_US - DAY_US, NOW_US + 10 * DAY_US, 5]),
    st.sampled_from([1.0, 2.0, None, "EXECUTE"]),
)
events = st.builds(Event, st.just("job_change"), st.sampled_from("xy"), st.just(NOW_US), st.just({"job": "x"}))
contents = st.fixed_dictionaries(
    {
        "rejected": st.lists(st.just(Rejection("wrong_type", "no", 2)), max_size=1),
        "events": st.lists(events, max_size=2),
    }
)


@st.composite
def batches(draw: st.DrawFn) -> list[Message]:
    sources = [
        known_source(),
        known_source("haidang/v1/demo/other/data", device_id=8),
        Router().source("haidang/v1/no/x/data"),
    ]
    return [
        message(draw(st.sampled_from(sources)), drawn, dup=draw(st.booleans()), decoded=draw(contents))
        for drawn in draw(st.lists(st.lists(values, max_size=4), min_size=1, max_size=8))
    ]


@given(batches())
def test_both_accounts_add_up_for_any_batch(batch: list[Message]) -> None:
    sent = sum(
        len(m.decoded.values) + len(m.decoded.events) + 2 * len(m.decoded.rejected) for m in batch if m.source.site_id
    )
    plan, _ = plan_of(batch, kinds={"state": "state"})
    found = account.accounts(plan, account.tally(plan), NOW_US)
    for one in found.values():
        for first, *others in (MESSAGE_ACCOUNT, VALUE_ACCOUNT):
            assert one.counts[first] == sum(one.counts[name] for name in others)
        assert sum(one.latency_ms) == one.counts["received"]
    assert sum(one.counts["received"] for one in found.values()) == len(batch)
    assert sum(one.counts["decoded"] for one in found.values()) == sent


@given(batches())
def test_no_key_is_written_twice_and_refused_messages_have_a_reason(batch: list[Message]) -> None:
    plan, _ = plan_of(batch, kinds={"state": "state"})
    rows = plan.rows()
    keys = list(zip(rows.series_id.tolist(), rows.ts_us.tolist(), strict=True))
    assert keys == sorted(set(keys))
    for place, refused in enumerate(plan.outcome):
        if refused == REJECTED:
            assert plan.rejections[int(plan.message[place])]


def in_rows(one: Message) -> Message:
    """The same message with its numbers in rows, where no key and time is said twice."""
    said = Counter((name, ts_us) for name, _, ts_us, _, _ in one.decoded.values)
    loose, rows = [], []
    for name, unit, ts_us, content, quality in one.decoded.values:
        if isinstance(content, float) and said[name, ts_us] == 1:
            rows.append(((name,), ts_us, packed([content])))
        else:
            loose.append((name, unit, ts_us, content, quality))
    decoded = msgspec.structs.replace(one.decoded, values=loose, rows=rows)
    return Message(one.source, one.payload, one.received_us, decoded, one.dup)


@given(batches())
def test_rows_come_to_the_same_as_values_one_by_one(batch: list[Message]) -> None:
    kinds = {"state": "state"}
    sources = {one.source for one in batch}
    one_by_one, first_table = plan_of(batch, kinds=kinds)
    for source in sources:
        source.forget()
    rowwise = [in_rows(one) for one in batch]
    together, table = plan_of(rowwise, kinds=kinds)
    assert [one.decoded.count for one in rowwise] == [one.decoded.count for one in batch]
    assert stored_by_name(together, table) == stored_by_name(one_by_one, first_table)
    for outcome in ("stored", "duplicate", "conflict", "rejected"):
        counts = (getattr(account.tally(plan), outcome).tolist() for plan in (together, one_by_one))
        assert next(counts) == next(counts)
    assert len(table.refs) == len({(ref.source.topic, ref.name) for ref in table.refs})


def stored_by_name(plan: Plan, table: SeriesTable) -> set[tuple[str, str, int, str]]:
    """What a plan writes, with names in place of numbers that depend on the order."""
    return {
        (
            plan.messages[int(plan.message[place])].source.topic,
            table.refs[int(plan.ref[place])].name,
            int(plan.ts_us[place]),
            str(plan.value[place]),
        )
        for place in plan.to_store
    }


def test_of_two_values_of_one_key_the_first_stays() -> None:
    source = known_source()
    same, other = value("a", NOW_US, 1.0), value("a", NOW_US, 2.0)
    plan, _ = plan_of([message(source, [same]), message(source, [other]), message(source, [same])])
    assert plan.outcome.tolist() == [STORED, CONFLICT, DUPLICATE]
    assert plan.conflicts[0]["stored"] == {"value": 1.0, "quality": 0}
    assert plan.conflicts[0]["received"] == {"value": 2.0, "quality": 0}


def test_units_are_converted_and_texts_are_symbols() -> None:
    batch = [message(known_source(), [value("temp", NOW_US, 212.0), value("state", NOW_US, "EXECUTE")])]
    plan, _ = plan_of(batch, kinds={"state": "state"}, conversions={"temp": Conversion(5 / 9, -160 / 9)})
    assert plan.value[0] == pytest.approx(100.0)
    assert int(plan.value[1]) == symbol_id("EXECUTE")
    assert {text for text, _ in plan.texts} == {"EXECUTE"}


@pytest.mark.parametrize(
    ("drawn", "code", "said"),
    [
        (value("a", NOW_US + 10 * DAY_US, 1.0), "in_future", "10 days ahead of the receiver's clock"),
        (value("a", 1_795_334_400_000, 1.0), "too_old", "seconds instead of milliseconds?"),
        (value("a", -(10**18), 1.0), "too_old", "before 1990"),
        (value("a", 8 * 10**18, 1.0), "in_future", "after the year 2100"),
        (value("a", NOW_US, "on"), "wrong_type", "a must be a number, not 'on'"),
        (value("state", NOW_US, 3.0), "wrong_type", "state must be a text, not 3"),
        (value("state", NOW_US, "x" * 501), "text_too_long", "501 characters"),
        (value("state", NOW_US, "a\x00b"), "bad_text", "cannot be stored"),
    ],
)
def test_poison_is_refused_with_a_sentence_and_the_rest_is_stored(drawn: Value, code: str, said: str) -> None:
    plan, _ = plan_of([message(known_source(), [drawn, value("b", NOW_US, 1.0)])], kinds={"state": "state"})
    assert plan.outcome.tolist() == [REJECTED, STORED]
    (why,) = plan.rejections[0]
    assert why.code == code
    assert said in why.detail


def test_a_device_cannot_open_more_days_than_allowed() -> None:
    source = known_source()
    batch = [message(source, [value("a", NOW_US - day * DAY_US, 1.0) for day in range(5)])]
    quota = DayQuota(3)
    plan, _ = plan_of(batch, quota=quota)
    assert plan.outcome.tolist() == [STORED] * 3 + [REJECTED] * 2
    quota.commit(NOW_US // 3_600_000_000, plan.opened_days)
    again, _ = plan_of(
        [message(known_source(), [value("a", NOW_US, 2.0), value("a", NOW_US - 9 * DAY_US, 2.0)])], quota=quota
    )
    assert again.outcome.tolist() == [STORED, REJECTED]


def test_persons_are_stored_as_pseudonyms_or_not_at_all() -> None:
    source = known_source()
    batch = [message(source, [value("operator", NOW_US, Person("An"))])]
    plan, _ = plan_of(batch, kinds={"operator": "state"}, person_key=b"secret")
    assert {text for text, _ in plan.texts} == {pseudonym("An", b"secret")}
    without, _ = plan_of(
        [message(known_source(), [value("operator", NOW_US, Person("An"))])],
        kinds={"operator": "state"},
        person_key=None,
    )
    assert without.rejections[0][0].code == "no_person_key"
    assert not without.texts


def test_persons_in_events_are_stored_as_pseudonyms() -> None:
    event = Event("job_change", "J", NOW_US, {"who": Person("An"), "deep": {"who": Person("An")}})
    plan, _ = plan_of([message(known_source(), [], decoded={"events": [event]})])
    assert "An" not in plan.events[0].row.payload.replace(pseudonym("An", b"key"), "")
    assert plan.events[0].row.payload.count(pseudonym("An", b"key")) == 2


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_texts_inside_events_that_cannot_be_stored_are_refused(text: str) -> None:
    events = [Event("job_change", "J", NOW_US, payload) for payload in ({"job": text}, {"deep": {"job": text}})]
    good = Event("job_change", "J", NOW_US, {"job": "\\u0000"})
    plan, _ = plan_of([message(known_source(), [], decoded={"events": [*events, good]})])
    assert [why.code for why in plan.rejections[0]] == ["bad_text", "bad_text"]
    assert [event.row.payload for event in plan.events] == ['{"job":"\\\\u0000"}']


def test_a_person_is_not_named_where_a_number_belongs() -> None:
    plan, _ = plan_of([message(known_source(), [value("a", NOW_US, Person("Nguyen"))])])
    assert plan.rejections[0][0].code == "wrong_type"
    assert "Nguyen" not in plan.rejections[0][0].detail


def test_marks_cover_each_day_once_and_reach_back_over_an_interval() -> None:
    source = known_source()
    midnight = NOW_US // DAY_US * DAY_US
    batch = [
        message(source, [value("a", midnight - 5, 1.0), value("a", midnight + 5, 1.0), value("kwh", midnight, 1.0)])
    ]
    plan, _ = plan_of(batch, kinds={"kwh": "delta"})
    marks = account.dirty_marks(plan)
    assert marks == [(1, midnight - 900_000_000, midnight), (1, midnight, midnight + 6)]


def test_a_message_that_came_before_and_brings_nothing_new_is_redelivered() -> None:
    plan, _ = plan_of([message(known_source(), [value("a", NOW_US, 1.0)], dup=True)])
    plan.outcome[:] = DUPLICATE
    outcomes = account.message_outcomes(plan, account.tally(plan))
    assert {name: flags.tolist() for name, flags in outcomes.items()} == {
        "received": [True],
        "rejected": [False],
        "redelivered": [True],
        "processed": [False],
    }


def test_an_unknown_site_refuses_the_whole_message() -> None:
    batch = [message(Router().source("haidang/v1/nowhere/a/data"), [value("a", NOW_US, 1.0)])]
    plan, _ = plan_of(batch, limits=Limits())
    whole = plan.messages[0].decoded.whole
    assert whole is not None
    assert whole.code == "unknown_site"
    assert "haidang site apply" in whole.detail


@pytest.mark.parametrize("conversions", [{}, {"other": Conversion(1000.0, 0.0)}])
def test_no_infinity_is_stored_whatever_else_is_in_the_batch(conversions: dict[str, Conversion]) -> None:
    batch = [message(known_source(), [value("a", NOW_US, float("inf")), value("other", NOW_US, 2.0)])]
    plan, _ = plan_of(batch, conversions=conversions)
    assert plan.outcome.tolist() == [REJECTED, STORED]
    assert plan.rejections[0][0].code == "not_finite"


@pytest.mark.parametrize("why", ["dup", "kept", "copied"])
def test_what_may_have_been_stored_before_is_no_message_of_its_own(why: str) -> None:
    source = known_source()
    sent: list[Value] = [("a", None, NOW_US, 1.0, 0)]
    batch = [message(source, sent), message(source, sent, **{why: True}), message(source, sent)]
    plan, _ = plan_of(batch)
    (found,) = account.accounts(plan, account.tally(plan), NOW_US).values()
    assert (found.counts["received"], found.counts["processed"], found.counts["redelivered"]) == (3, 2, 1)
