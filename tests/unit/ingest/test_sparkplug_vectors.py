"""Payload vectors of another project's Sparkplug host: each in the place of a conversation that it was made for."""

import base64
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from ingest.route import Router
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload

SENT_MS = 1_750_855_643_474
NOW_US = SENT_MS * 1000 + 5_000_000


class Case(NamedTuple):
    """What was said before the vector, what comes of it, and where the sequence stands then."""

    bd_seq: int | None  # of the birth before it, None where there was none
    seq: int  # of the last message before it
    values: dict[str, float | None]
    codes: tuple[str, ...] = ()
    missing: int = 0
    after: int = 0
    online: bool | None = None
    asks: bool = False


CASES = {
    "NBIRTH_V1": Case(None, 0, {"Temperature": 21.5}, online=True),
    "NDATA_V1": Case(0, 0, {"Temperature": 22.5}, after=1),
    "NDEATH_V1": Case(0, 3, {}, after=3, online=False),
    "NDATA_GAP": Case(0, 1, {"Temperature": 27.0}, missing=3, after=5, asks=True),
    "NDATA_BEFORE_BIRTH": Case(None, 0, {}, ("unknown_alias",), after=1, asks=True),
    "NDATA_WRAPAROUND": Case(0, 255, {"Temperature": 30.0}),
    "NBIRTH_LARGE": Case(None, 0, {f"Metric_{n}": n * 1.5 for n in range(1, 101)}, online=True),
}


@pytest.fixture(scope="module")
def vectors(shared_data: Path) -> dict[str, dict[str, str]]:
    text = (shared_data / "sparkplug-seq-capture" / "payload_vectors.json").read_text("utf-8")
    return {vector["name"]: vector for vector in json.loads(text)["vectors"]}


@pytest.mark.parametrize("name", CASES)
def test_a_vector_is_taken_as_its_makers_mean_it(name: str, vectors: dict[str, dict[str, str]]) -> None:
    case, vector = CASES[name], vectors[name]
    assert set(vectors) == set(CASES)
    host = Host(Options("haidang"), clock_s=lambda: 1000.0)
    router = Router([], host)
    for payload, kind in before(case):
        host.take(router.source(f"spBv1.0/plant/{kind}/gw"), payload.SerializeToString(), NOW_US, dup=False)
    data = base64.b64decode(vector["payload_b64"])
    (part,) = host.take(router.source(f"spBv1.0/plant/{vector['message_type']}/gw"), data, NOW_US, dup=False)
    found = part.decoded
    assert {value[0]: value[3] for value in found.every_value()} == case.values
    assert tuple(rejection.code for rejection in found.rejected) == case.codes
    assert (found.missing, found.online, bool(host.outgoing)) == (case.missing, case.online, case.asks)
    node = host.node("plant", "gw")
    assert node is not None
    assert node.seq == case.after


def before(case: Case) -> list[tuple[Payload, str]]:
    """The birth with its session, and data up to the number before the vector."""
    if case.bd_seq is None:
        return []
    metrics = [
        Metric(name="bdSeq", datatype=8, long_value=case.bd_seq),
        Metric(name="Temperature", alias=100, datatype=10, double_value=20.0),
    ]
    birth = Payload(timestamp=SENT_MS - 1_000, seq=0, metrics=metrics)
    data = [
        Payload(timestamp=SENT_MS - 900 + seq, seq=seq, metrics=[Metric(alias=100, double_value=1.0)])
        for seq in range(1, case.seq + 1)
    ]
    return [(birth, "NBIRTH"), *((each, "NDATA") for each in data)]
