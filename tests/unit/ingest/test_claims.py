"""Two machines, tags or groups whose names become one are told apart: the second is refused, and nothing is mixed."""

from typing import Any

import pytest

from ingest.claims import Claims
from ingest.decode.result import Decoded
from ingest.formats import TopicError
from ingest.mapping import Mapping
from ingest.route import Router
from ingest.sparkplug.host import Host, Options

PACKML: dict[str, Any] = {
    "topic": "{line}/{tag...}",
    "site": "plant",
    "asset": "{line}",
    "format": "packml",
    "time": "receive",
    "unmapped": "propose",
}


def codes(router: Router, topics: list[str]) -> list[str]:
    found = []
    for topic in topics:
        source = router.source(topic)
        decoded = Decoded() if source.place else source.decode(b'{"timestamp_ms": 1, "value": 2}')
        found.append(decoded.whole.code if decoded.whole else f"{source.site}/{source.asset}")
    return found


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (["p/DDATA/gw/press 1", "p/DBIRTH/gw/press_1", "p/DBIRTH/gw/press 1"], ["p/gw/press_1", "", "p/gw/press_1"]),
        (["Plant A/NDATA/gw", "plant_a/NDATA/gw", "plant_a/NDATA/other"], ["plant_a/gw", "", "plant_a/other"]),
    ],
)
def test_sparkplug_names_that_become_one_place(topics: list[str], expected: list[str]) -> None:
    router = Router(host=Host(Options("haidang")))
    assert codes(router, [f"spBv1.0/{topic}" for topic in topics]) == [each or "name_taken" for each in expected]
    assert "'spBv1.0/" in str(router.source(f"spBv1.0/{topics[1]}").decode(b""))


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (["acme/Cologne/press/_historian", "acme/cologne/press/_raw"], ["cologne/press", ""]),
        (["acme/cologne/press/_historian", "other/cologne/press/_historian"], ["cologne/press", ""]),
        (["acme/cologne/press/_historian", "acme/cologne/press/_raw"], ["cologne/press", "cologne/press"]),
        (["a/s/m/_historian/x y", "a/s/m/_historian/x_y", "a/s/n/_historian/x_y"], ["s/m", "", "s/n"]),
    ],
)
def test_umh_locations_and_tags_that_become_one(topics: list[str], expected: list[str]) -> None:
    assert codes(Router(), [f"umh/v1/{topic}" for topic in topics]) == [each or "name_taken" for each in expected]


def test_tags_that_become_one_series_or_have_the_name_of_a_rule() -> None:
    router = Router([Mapping.model_validate(PACKML)])
    topics = ["l1/Status/x y", "l1/Status/x_y", "l1/state", "l1/Status/StateCurrent", "l2/Status/x_y"]
    got = codes(router, topics)
    assert got == ["plant/l1", "name_taken", "name_taken", "plant/l1", "plant/l2"]
    router.use([Mapping.model_validate({**PACKML, "unmapped": "ignore"})])
    assert codes(router, topics[1:2]) == ["plant/l1"]


def test_the_memory_is_bounded() -> None:
    claims = Claims(most=4)
    for number in range(100):
        claims.claim_asset("site", str(number), "owner")
    claims.claim_asset("site", "0", "other")  # forgotten
    with pytest.raises(TopicError, match="name one of them in a mapping"):
        claims.claim_asset("site", "99", "other")
