"""Golden messages: a folder per case with the message and what must come out of it.

`case.json` holds topic and payload (text, or hexadecimal) and names the example whose mapping is used, unless the
folder has a `mapping.yaml` of its own; `expected.json` is what is decoded.
`HAIDANG_UPDATE_GOLDEN=1` writes the expected files anew: look at the difference before committing it.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest import intake
from ingest.limits import Limits
from ingest.mapping import load
from ingest.route import Router

ROOT = Path(__file__).parents[3]
CASES = sorted(
    folder
    for folder in (ROOT / "tests" / "golden" / "ingest").iterdir()
    if not folder.name.startswith("sparkplug_")  # those are conversations: test_sparkplug_golden.py
)
RECEIVED_US = 1_795_334_400_000_000
ONLY_WHERE_THERE_ARE_SOME = ("seq_us", "missing", "effects")


def mapping_of(folder: Path, case: dict[str, Any]) -> Path | None:
    """The mapping of a case."""
    if (folder / "mapping.yaml").exists():
        return folder / "mapping.yaml"
    return ROOT / "examples" / case["mapping"] / "mapping.yaml" if "mapping" in case else None


def decoded(folder: Path) -> Any:
    case = json.loads((folder / "case.json").read_text("utf-8"))
    mapping = mapping_of(folder, case)
    source = Router([load(mapping)] if mapping else []).source(case["topic"])
    payload = bytes.fromhex(case["hex"]) if "hex" in case else case["payload"].encode()
    found = intake.decode(source, intake.opened(payload, Limits().payload_bytes), RECEIVED_US)
    found.values, found.rows = found.every_value(), []
    result = msgspec.to_builtins(found)
    del result["rows"]
    result = {key: value for key, value in result.items() if value or key not in ONLY_WHERE_THERE_ARE_SOME}
    return {"site": source.site, "asset": source.asset, "device": source.device, **result}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_message_is_decoded_as_the_golden_file_says(folder: Path) -> None:
    got = json.loads(json.dumps(decoded(folder)))
    expected = folder / "expected.json"
    if os.environ.get("HAIDANG_UPDATE_GOLDEN"):
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert got == json.loads(expected.read_text("utf-8"))
