import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.mapping_section import load
from simulators.recordings import find
from simulators.replay import Tally, messages_of, weeks_to
from tests.support.paths import ROOT

CASES = sorted(path.parent for path in (ROOT / "tests/golden/replay").glob("*/mapping.yaml"))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case: Path) -> None:
    section = load(case / "mapping.yaml")
    paths = find([case], "input*")
    weeks = weeks_to(NOW, paths, section)[1] if "shifted" in case.name else 0
    came = [
        {"topic": message.topic, "payload": message.payload.decode("utf-8", "backslashreplace")}
        for message in messages_of(paths, section, weeks, Tally())
    ]
    expected = (case / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    assert came == [json.loads(line) for line in expected]


def test_there_are_cases() -> None:
    assert len(CASES) >= 5
