import json
from datetime import datetime

from simulators.shifts import milliseconds
from tests.support.paths import ROOT
from tests.unit.simulators.plants import HOUR_MS, simulate

GOLDEN = ROOT / "tests/golden/native/demo-plant.jsonl"
START = milliseconds(datetime.fromisoformat("2026-11-06T09:50:00+07:00"))


def came() -> list[dict[str, str]]:
    messages = simulate(7, HOUR_MS / 2 / 86_400_000, batch=5, start_ms=START).messages
    return [{"topic": message.topic, "payload": message.payload.decode()} for message in messages]


def test_messages_of_the_plant_are_those_that_were_agreed() -> None:
    expected = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert came() == [json.loads(line) for line in expected]
