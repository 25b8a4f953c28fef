"""The message contract as machines read it: JSON Schema and AsyncAPI, made from the code that decodes.

`python -m ingest.contract` writes `docs/contract/`; a test fails when the files say something else than the code.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from ingest.decode.native import EVENT_NAMES, Payload
from ingest.limits import Limits
from ingest.mapping import Mapping
from model.units import SUFFIXES
from model.vocabulary import QUANTITIES

VERSION = "1.0.0"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ABOUT = {
    "ts": "Time of the values: RFC 3339 with an offset from UTC (any precision, kept to the microsecond), or whole "
    "milliseconds since 1970 UTC.",
    "values": "Name to value. A number, true/false (1/0), null (no signal), or a text: a state, or an event under the "
    f"names {', '.join(EVENT_NAMES)}.",
    "seq": "Running number of the device's samples; gaps are counted.",
    "units": "Unit of a name, where the name's suffix does not say it.",
    "asset": "site/area/line/unit; if given it must be what the topic says.",
}


def native_schema() -> dict[str, Any]:
    """JSON Schema of a payload on a data topic."""
    (schema,), components = msgspec.json.schema_components([Payload], ref_template="#/$defs/{name}")
    for name, text in _ABOUT.items():
        components["Sample"]["properties"][name]["description"] = text
    components["Sample"].pop("description", None)
    head = {"$schema": _DIALECT, "title": "Hải Đăng native message, version 1"}
    return {**head, **schema, "$defs": components}


def mapping_schema() -> dict[str, Any]:
    """JSON Schema of a mapping file, for editors."""
    return {"$schema": _DIALECT, **Mapping.model_json_schema(by_alias=True), "title": "Hải Đăng mapping file"}


def vocabulary() -> dict[str, Any]:
    """Listed quantities with the unit they are stored in, and the suffixes of names."""
    return {
        "quantities": {q.name: {"unit": q.unit, "kind": str(q.kind)} for q in QUANTITIES.values()},
        "suffixes": {suffix: {"quantity": quantity, "unit": unit} for suffix, (quantity, unit) in SUFFIXES.items()},
        "events": {name: kind for name, (kind, _) in EVENT_NAMES.items()},
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI document of the topics that devices publish on."""
    place = "haidang/v1/{site}/{asset}"
    parameters = {
        "site": {"description": "key of the site"},
        "asset": {"description": "path of the asset, up to six levels: area/line/unit"},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Hải Đăng message contract", "version": VERSION},
        "defaultContentType": "application/json",
        "channels": {
            "data": {
                "address": f"{place}/data",
                "parameters": parameters,
                "messages": {"sample": {"payload": {"$ref": "native-v1.schema.json"}}},
            },
            "status": {
                "address": f"{place}/status",
                "parameters": parameters,
                "messages": {"status": {"contentType": "text/plain", "payload": {"enum": ["online", "offline"]}}},
            },
        },
        "operations": {
            "receiveData": {"action": "receive", "channel": {"$ref": "#/channels/data"}},
            "receiveStatus": {"action": "receive", "channel": {"$ref": "#/channels/status"}},
        },
        "x-limits": {
            "payloadBytes": Limits().payload_bytes,
            "futureSeconds": Limits().future_us // 1_000_000,
            "newDaysPerDeviceAndHour": Limits().new_days_per_hour,
            "textCharacters": Limits().text_length,
        },
    }


def documents() -> dict[str, str]:
    """File names and contents of `docs/contract/`."""
    made = {
        "native-v1.schema.json": native_schema(),
        "mapping.schema.json": mapping_schema(),
        "vocabulary.json": vocabulary(),
        "asyncapi.json": asyncapi(),
    }
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in made.items()}


def write(folder: Path) -> None:
    """Write the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/contract"))
