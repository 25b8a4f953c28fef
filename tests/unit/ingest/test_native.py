"""Native JSON: whatever comes in, nothing breaks and nothing is counted twice or lost."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from ingest.decode import native
from ingest.decode.result import Decoded, packed, unpacked, with_ordinals

scalars = st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=5))
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def accounted(result: Decoded) -> int:
    return result.count + len(result.events) + sum(rejection.values for rejection in result.rejected)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused_with_a_reason(payload: bytes) -> None:
    result = native.decode(payload)
    assert result.whole is None or (result.whole.code and result.whole.detail)


@given(anything)
def test_any_json_is_decoded_or_refused_with_a_reason(document: object) -> None:
    native.decode(json.dumps(document).encode())


@given(st.dictionaries(st.text(min_size=1, max_size=6), anything, max_size=6))
def test_every_value_of_a_sample_is_a_value_an_event_or_a_rejection(values: dict[str, object]) -> None:
    result = native.decode(json.dumps({"ts": 1_795_334_400_000, "values": values}).encode())
    assert accounted(result) == len(values)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_times_are_kept_to_the_microsecond(wall: datetime, offset_min: int) -> None:
    at = wall.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    result = native.decode(json.dumps({"ts": at.isoformat(), "values": {"a": 1}}).encode())
    assert result.every_value()[0][2] == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.floats(0, 3).map(round)), max_size=12))
def test_ordinals_keep_every_change_and_are_the_same_every_time(drawn: list[tuple[str, int, int]]) -> None:
    values = [(name, None, ts * 1_000_000, float(value), 0) for name, ts, value in drawn]
    placed = with_ordinals(values)  # type: ignore[arg-type]
    assert placed == with_ordinals(values)  # type: ignore[arg-type]
    stored: dict[tuple[str, int], float | str | None] = {}
    for name, _, ts_us, value, _ in placed:
        assert stored.setdefault((name, ts_us), value) == value
    assert [value[3] for value in placed] == [value[3] for value in values]


def test_deep_nesting_is_refused() -> None:
    result = native.decode(b"[" * 200_000)
    assert result.whole is not None
    assert result.whole.detail == "the payload is nested too deeply"


def test_status_texts() -> None:
    assert [native.decode_status(text) for text in (b"online", b' "OFFLINE"\n', b"1")] == [True, False, None]


def test_numbers_of_an_object_stand_in_one_row_and_texts_beside_it() -> None:
    payload = {"ts": 1000, "values": {"a": 1, "state": "RUN", "b": True, "c": None, "d": 2.5}, "units": {"d": "kW"}}
    result = native.decode(json.dumps(payload).encode())
    assert result.rows == [(("a", "b", ("d", "kW")), 1_000_000, packed([1.0, 1.0, 2.5]))]
    assert result.values == [("state", None, 1_000_000, "RUN", 0), ("c", None, 1_000_000, None, 3)]


@given(st.lists(st.floats(allow_nan=False), max_size=100))
def test_packed_numbers_come_back(numbers: list[float]) -> None:
    row = (tuple(f"n{place}" for place in range(len(numbers))), 5, packed(numbers))
    assert [value[3] for value in unpacked(row)] == numbers
