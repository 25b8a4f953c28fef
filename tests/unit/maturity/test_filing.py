"""Records of every kind are filed as they say themselves, and nowhere else."""

import json
from typing import Any

import pytest

from maturity.filing import is_filed_rightly

KPI = {
    "scope": "line/a", "grain": "shift", "production_day": "2026-01-01", "from": "2026-01-01T00:00:00.000000Z",
    "shift": "early", "job": "", "product": "p",
}  # fmt: skip
OF = {"framework": "lighthouse-os", "first": "2026-01-01", "last": "2026-01-31", "number": 2}


@pytest.mark.parametrize(
    ("kind", "site", "said", "object_", "other"),
    [
        ("kpi", "s", KPI, "kpi|line/a|shift|2026-01-01T00:00:00.000000Z|early|-|p", "kpi|line/a|shift"),
        ("raw_day", "s", {"production_day": "2026-01-01"}, "raw_day|2026-01-01", "raw_day|2026-01-02"),
        ("criterion_baseline", "s", {"key": "kpi.oee@site"}, "criterion_baseline|kpi.oee@site", "criterion_baseline|x"),
        ("key", None, {"key": "name+id+key"}, "key/name+id+key", "key/another"),
        (
            "assessment",
            "s",
            {"assessment": OF},
            "assessment|lighthouse-os|2026-01-01|2026-01-31|2",
            "assessment|lighthouse-os|2026-01-01|2026-01-31|1",
        ),
        (
            "assessor_decision",
            "s",
            {"assessment": OF, "criterion": "ARP-1.1"},
            "assessor_decision|lighthouse-os|2026-01-01|2026-01-31|2|ARP-1.1",
            "assessor_decision|lighthouse-os|2026-01-01|2026-01-31|2|ARP-1.2",
        ),
    ],
)
def test_what_was_moved_is_told_apart(
    kind: str, site: str | None, said: dict[str, Any], object_: str, other: str
) -> None:
    whole = {"kind": kind, **said, **({"site": site} if site else {})}
    text = json.dumps(whole)
    assert is_filed_rightly(text, kind, object_, site)
    assert not is_filed_rightly(text, kind, other, site)
    assert not is_filed_rightly(text, "alert", object_, site)
    assert not is_filed_rightly(text, kind, object_, "elsewhere")


def test_what_is_no_record_is_filed_nowhere() -> None:
    assert not is_filed_rightly("[1]", "kpi", "kpi", None)
    assert not is_filed_rightly("{", "kpi", "kpi", None)
