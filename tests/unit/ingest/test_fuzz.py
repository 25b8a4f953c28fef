"""Damaged and hostile messages of every format, a bounded number; more by `python -m tests.fuzz --minutes N`."""

import math

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from ingest.decode.result import Decoded, Rejection
from tests.fuzz.checks import check, check_decoded
from tests.fuzz.corpus import Seed, seeds
from tests.fuzz.mutations import Op, apply, recipes

EXAMPLES = 250
# Sizes and shapes that chance seldom finds: one of each for every format.
WORST = [
    *(Op("bomb", 0, 0, token) for token in range(4)),
    *(Op("nest", at, size, 3) for at in (0, 1) for size in range(4)),
    *(Op("repeat", 0, 63, 3), Op("names", 0, 3, 0), Op("names", 0, 2, 150), Op("digits", 0, 3, 2)),
    *(Op("digits", 0, 3, 1), Op("cut", 0, 0, 0), Op("metric", 0, 3, 11)),
]
FORMATS = [
    *("native_object", "shdr_running", "moulding_record", "status_online", "gzip_native", "mtconnect_xml_one_device"),
    *("umh_values_and_groups", "packml_state_number", "number_bare", "sparkplug spBv1.0/g/DDATA/n/d"),
]


@pytest.mark.parametrize("at", range(len(seeds())), ids=lambda at: seeds()[at].name)
def test_every_message_to_begin_with_is_accounted_for(at: int) -> None:
    check(seeds()[at], seeds()[at].payload)


@pytest.mark.parametrize("op", WORST, ids=lambda op: f"{op.kind}-{op.at}-{op.size}-{op.token}")
@pytest.mark.parametrize("name", FORMATS)
def test_the_worst_that_we_know_costs_one_message(name: str, op: Op) -> None:
    (found,) = [each for each in seeds() if each.name == name]
    check(found, apply(found, [op]))


@seed(20261122)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate,),  # a failure is shown as it was found: making it smaller could take an hour
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(recipes())
def test_what_chance_makes_of_messages(recipe: tuple[int, list[Op]]) -> None:
    at, ops = recipe
    found: Seed = seeds()[at]
    check(found, apply(found, ops))


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        # Found by chance or by looking; each took minutes, or memory without end, before.
        ("native_object", b"[" + b",".join([b'{"ts":1795334395000,"seq":1,"values":{}}'] * 24_000) + b"]"),
        ("native_units", b'{"ts":1795334395000,"values":{"a":1.5},"units":{"a":"9**9**9**9"}}'),
        ("native_units", b'{"ts":1795334395000,"values":{"a":1.5},"units":{"a":"m cubed cubed cubed cubed"}}'),
        ("native_units", b'{"ts":1795334395000,"values":{"state":"RUN"},"units":{"state":"%s"}}' % (b"x" * 900_000)),
        ("native_object", b'{"ts":%s,"values":{"a":1}}' % (b"9" * 4_200)),
        ("number_with_unit", b"7" * 900_000),
        ("packml_state_number", b"7" * 900_000),
    ],
)
def test_what_was_found_once_stays_mended(name: str, payload: bytes) -> None:
    (found,) = [each for each in seeds() if each.name == name]
    check(found, payload)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("op", [op for op in WORST if op.kind in {"bomb", "names", "nest"} and op.size in {0, 3}])
def test_memory_is_bounded_whatever_comes(name: str, op: Op) -> None:
    (found,) = [each for each in seeds() if each.name == name]
    check(found, apply(found, [op]), memory=True)


@pytest.mark.parametrize(
    "decoded",
    [
        Decoded(values=[("a", None, 1, math.inf, 0)]),
        Decoded(values=[("a", None, 1 << 63, 1.0, 0)]),
        Decoded(rejected=[Rejection("undecodable", "our decoder failed on it")]),
        Decoded(rejected=[Rejection("bad_name", "x" * 2_000)]),
    ],
)
def test_the_checks_are_not_blind(decoded: Decoded) -> None:
    with pytest.raises(AssertionError):
        check_decoded(decoded)
