"""What the documents promise is what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ingest import contract
from ingest.decode import native

DOCS = Path(__file__).parents[3] / "docs"
GOLDEN = Path(__file__).parents[2] / "golden" / "ingest"


@pytest.mark.parametrize("name", contract.documents())
def test_generated_documents_are_current(name: str) -> None:
    found = (DOCS / "contract" / name).read_text("utf-8")
    assert found == contract.documents()[name], "run `python -m ingest.contract`"


def valid(document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(contract.native_schema()).is_valid(document))


def test_golden_messages_fit_the_schema_where_they_are_decoded_whole() -> None:
    checked = 0
    for folder in GOLDEN.glob("native_*"):
        case = json.loads((folder / "case.json").read_text("utf-8"))
        expected = json.loads((folder / "expected.json").read_text("utf-8"))
        if expected["whole"] is None and not expected["rejected"]:
            assert valid(json.loads(case["payload"])), folder.name
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize(
    "document",
    [{}, {"ts": 1}, {"ts": 1.5, "values": {}}, {"ts": 1, "values": {"a": [1]}}, [1], {"ts": 1, "values": []}],
)
def test_what_the_schema_refuses_is_refused(document: Any) -> None:
    assert not valid(document)
    result = native.decode(json.dumps(document).encode())
    assert result.whole is not None or result.rejected


def test_the_example_of_the_contract_is_decoded() -> None:
    text = (DOCS / "message-contract.md").read_text("utf-8")
    example = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]
    result = native.decode(example.encode())
    assert {value[0] for value in result.every_value()} == {"state", "good_count", "power_kw"}


def test_every_reason_is_explained() -> None:
    text = (DOCS / "message-contract.md").read_text("utf-8")
    sources = "".join(path.read_text("utf-8") for path in (DOCS.parent / "ingest").rglob("*.py"))
    codes = set(re.findall(r"(?:Rejection|refused|_refusing)\(\s*(?:topic, )?\"([a-z_]+)\"", sources))
    codes |= {"wrong_unit", "unknown_unit"}
    assert len(codes) > 15
    assert not {code for code in codes if f"`{code}`" not in text}
