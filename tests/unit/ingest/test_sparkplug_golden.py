"""Golden conversations with Sparkplug nodes: a folder per case with packets in order and what must come out of each.

`case.json` holds topic, payload (hexadecimal, protobuf), time of receipt and the marks of a repeat of each
packet; `expected.json` the readings, refusals, sessions and commands. `HAIDANG_UPDATE_GOLDEN=1` writes it anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest.mapping import load
from ingest.route import Router
from ingest.sparkplug.announce import Outgoing
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.sparkplug_b_pb2 import Payload

ROOT = Path(__file__).parents[3]
CASES = sorted((ROOT / "tests" / "golden" / "ingest").glob("sparkplug_*"))


def conversation(case: dict[str, Any]) -> list[dict[str, Any]]:
    mappings = [load(ROOT / "examples" / case["mapping"] / "mapping.yaml")] if "mapping" in case else []
    host = Host(Options("haidang"), clock_s=lambda: 1000.0)
    router = Router(mappings, host)
    host.will(case.get("will_ms", 0))
    return [answer(router, host, packet) for packet in case["packets"]]


def answer(router: Router, host: Host, packet: dict[str, Any]) -> dict[str, Any]:
    source = router.source(packet["topic"])
    data = bytes.fromhex(packet["hex"])
    if source.place is None:
        return {"whole": msgspec.to_builtins(source.decode(data))["whole"]}
    parts = host.take(source, data, packet["received_us"], dup=packet.get("dup", False), kept=packet.get("kept", False))
    result: dict[str, Any] = {
        "messages": [
            {
                "site": part.source.site,
                "asset": part.source.asset,
                "values": msgspec.to_builtins(part.decoded.every_value()),
                "rejected": msgspec.to_builtins(part.decoded.rejected),
                "whole": msgspec.to_builtins(part.decoded.whole),
                "ignored": part.decoded.ignored,
                "online": part.decoded.online,
                "missing": part.decoded.missing,
            }
            for part in parts
        ]
    }
    if host.outgoing:
        result["commands"] = [said(out) for out in host.outgoing]
        host.outgoing.clear()
    return result


def said(out: Outgoing) -> dict[str, Any]:
    if "/STATE/" in out.topic:
        return {"topic": out.topic, "state": json.loads(out.payload), "qos": out.qos, "retain": out.retain}
    return {"topic": out.topic, "metrics": [metric.name for metric in Payload.FromString(out.payload).metrics]}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_packets_are_taken_as_the_golden_file_says(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text("utf-8"))
    got = json.loads(json.dumps(conversation(case)))
    expected = folder / "expected.json"
    if os.environ.get("HAIDANG_UPDATE_GOLDEN"):
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert got == json.loads(expected.read_text("utf-8"))
