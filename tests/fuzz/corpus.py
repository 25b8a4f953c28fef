"""Valid messages of every format to begin with: the golden folders of ingest, and packets of Sparkplug nodes."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingest.mapping import Mapping, load
from ingest.sparkplug.sparkplug_b_pb2 import Payload

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "ingest"
RECEIVED_US = 1_795_334_400_000_000
_MS = RECEIVED_US // 1000 - 5_000


@dataclass(frozen=True)
class Seed:
    """A message as it may arrive, what was received before it, and the mapping that reads it."""

    name: str
    topic: str
    payload: bytes
    mapping: Mapping | None = None
    before: tuple[tuple[str, bytes], ...] = ()


@cache
def seeds() -> tuple[Seed, ...]:
    """All seeds, in order of name."""
    cases = {folder: json.loads((folder / "case.json").read_text("utf-8")) for folder in sorted(GOLDEN.iterdir())}
    usable = [_golden(folder, case) for folder, case in cases.items() if "hex" in case or "payload" in case]
    return (*usable, *_sparkplug())


def _golden(folder: Path, case: dict[str, Any]) -> Seed:
    own = folder / "mapping.yaml"
    path = own if own.exists() else ROOT / "examples" / case["mapping"] / "mapping.yaml" if "mapping" in case else None
    payload = bytes.fromhex(case["hex"]) if "hex" in case else case["payload"].encode()
    return Seed(folder.name, case["topic"], payload, load(path) if path else None)


def _sparkplug() -> list[Seed]:
    births = (("spBv1.0/g/NBIRTH/n", _birth(0)), ("spBv1.0/g/DBIRTH/n/d", _birth(1)))
    data = Payload(timestamp=_MS, seq=2)
    data.metrics.add(alias=1, timestamp=_MS, double_value=12.5, datatype=10)
    data.metrics.add(alias=2, int_value=4294967290, datatype=3)
    data.metrics.add(name="state", string_value="RUN", datatype=12)
    data.metrics.add(alias=4, is_null=True)
    data.metrics.add(alias=1, timestamp=_MS - 1000, is_historical=True, float_value=1.5, datatype=9)
    rich = Payload(timestamp=_MS, seq=2)
    rich.metrics.add(name="set", datatype=16, dataset_value=b"\x08\x02")
    rich.metrics.add(name="template", datatype=19, template_value=b"\x0a\x011")
    metric = rich.metrics.add(name="quality", datatype=10, double_value=1.0)
    metric.properties.keys.extend(["Quality", "engUnit"])
    metric.properties.values.add(type=3, int_value=192)
    metric.properties.values.add(type=12, string_value="kW")
    death = Payload(timestamp=_MS)
    death.metrics.add(name="bdSeq", datatype=8, long_value=0)
    packets = {
        "spBv1.0/g/NBIRTH/n": _birth(0),
        "spBv1.0/g/DBIRTH/n/d": _birth(1),
        "spBv1.0/g/NDATA/n": data.SerializeToString(),
        "spBv1.0/g/DDATA/n/d": data.SerializeToString(),
        "spBv1.0/g/DDATA/n/other": rich.SerializeToString(),
        "spBv1.0/g/NDEATH/n": death.SerializeToString(),
        "spBv1.0/g/DDEATH/n/d": Payload(timestamp=_MS, seq=2).SerializeToString(),
        "spBv1.0/STATE/host": b'{"online": false, "timestamp": 1795334395000}',
    }
    return [Seed(f"sparkplug {topic}", topic, payload, None, births) for topic, payload in packets.items()]


def _birth(seq: int) -> bytes:
    birth = Payload(timestamp=_MS - 2000, seq=seq)
    birth.metrics.add(name="bdSeq", datatype=8, long_value=0)
    for alias, (name, datatype) in enumerate({"power/kw": 10, "count": 3, "state": 12, "running": 11}.items(), start=1):
        birth.metrics.add(name=name, alias=alias, datatype=datatype, timestamp=_MS - 2000, is_null=True)
    return birth.SerializeToString()
