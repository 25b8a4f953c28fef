"""Golden messages: a folder per case with the message and what must come out of it.

`case.json` holds topic, payload (text, or hexadecimal) and the folder of the mapping; `expected.json` what is decoded.
`HAIDANG_UPDATE_GOLDEN=1` writes the expected files anew: look at the difference before committing it.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest.mapping import load
from ingest.route import Router

ROOT = Path(__file__).parents[3]
CASES = sorted((ROOT / "tests" / "golden" / "ingest").iterdir())


def decoded(case: dict[str, Any]) -> Any:
    mappings = [load(ROOT / "examples" / case["mapping"] / "mapping.yaml")] if "mapping" in case else []
    source = Router(mappings).source(case["topic"])
    payload = bytes.fromhex(case["hex"]) if "hex" in case else case["payload"].encode()
    found = source.decode(payload)
    found.values, found.rows = found.every_value(), []
    result = msgspec.to_builtins(found)
    del result["rows"]
    return {"site": source.site, "asset": source.asset, "device": source.device, **result}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_message_is_decoded_as_the_golden_file_says(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text("utf-8"))
    got = json.loads(json.dumps(decoded(case)))
    expected = folder / "expected.json"
    if os.environ.get("HAIDANG_UPDATE_GOLDEN"):
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert got == json.loads(expected.read_text("utf-8"))
