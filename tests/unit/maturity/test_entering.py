"""Records of KPI values are written as the reference library of RFC 8785 writes them, whatever their numbers are."""

import json
from datetime import UTC, date, datetime, timedelta

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from maturity.entering import instant, kpi_records
from maturity.log import entry
from store.evidence import FinalValue

AT = datetime(2026, 10, 5, 17, tzinfo=UTC)
_NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53).map(float)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_VALUES = st.builds(
    FinalValue,
    **dict.fromkeys(("completeness", "coverage", "denominator", "numerator", "value"), _NUMBERS),
    **dict.fromkeys(("kpi", "variant", "status", "config_digest", "inputs_digest"), _TEXTS),
    **dict.fromkeys(("cause", "flags"), st.lists(_TEXTS, max_size=2)),
    **dict.fromkeys(("scope", "grain", "shift", "job", "product"), st.sampled_from(["", "dây/máy", 'a"\\'])),
    factor_set=st.none() | _TEXTS,
    definition_version=st.integers(1, 9),
    revision=st.integers(1, 9),
    window_start=st.just(AT),
    window_end=st.just(AT + timedelta(hours=1)),
    computed_at=st.sampled_from([AT, AT + timedelta(days=1)]),
)


@settings(max_examples=40)
@given(st.lists(_VALUES, min_size=1, max_size=3))
def test_a_record_is_canonical_and_loses_nothing(rows: list[FinalValue]) -> None:
    left = sorted(rows, key=lambda row: (*row[:6], row.kpi, row.variant))
    for record in kpi_records("nhà máy", date(2026, 10, 6), rows, "code"):
        text = entry(record, 1).record
        said = json.loads(text, parse_int=float)
        assert text.encode() == rfc8785.dumps(said)
        for value in said["values"]:
            row = left.pop(0)
            assert value == {name: getattr(row, name) for name in FinalValue._fields[8:]}
            assert (said["scope"], said["grain"], said["from"]) == (row.scope, row.grain, instant(row.window_start))
    assert not left
