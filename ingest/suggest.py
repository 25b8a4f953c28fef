"""Payloads that nothing reads in, mappings for them out: a first guess in YAML that a person goes over.

What a payload is, is seen from its first characters; what a name means, from its suffix.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import yaml

from ingest import packml
from ingest.decode.paths import get, leaves, lists_in, path_of
from ingest.decode.scalars import number, number_and_unit, with_point
from ingest.suggest_time import time_rule
from model.units import guess, is_known, quantity_of_unit
from model.vocabulary import QUANTITIES, SeriesKind

MOST_RULES = 60
_SHDR = re.compile(r"\d{4}-\d\d-\d\dT[^|\n]{5,40}\|[^|\n]+\|")
_PACKML_ROOTS = ("Status", "Admin", "Command")
_NAMES = ("name", "tag", "id", "n", "key", "metric", "point", "variable", "code")
_VALUES = ("value", "v", "val")
_UNITS = ("unit", "units", "u", "uom")
# What ends topics without naming a machine.
_GENERIC = re.compile(
    "data|status|state|telemetry|json|values?|measurements?|metrics|sensors?|readings?|messages?|payload|events?|raw|out|up",
    re.IGNORECASE,
)
MOST_LISTS = 8
_SITE, _PLACES = "my-site", ("unit", "level2", "level3", "level4")


class Sample(NamedTuple):
    """A message that nothing reads: its topic and its payload, decompressed."""

    topic: str
    payload: bytes


def mappings_for(samples: Iterable[Sample]) -> list[str]:
    """Mapping files, as text, that would read these messages; those that nobody could read are left out."""
    groups: dict[tuple[str, ...], list[Sample]] = defaultdict(list)
    for sample in samples:
        found = sniff(sample)
        if found:
            groups[(found, *_shape(sample, found))].append(sample)
    return [as_yaml(_mapping(key[0], group)) + _lists_left_out(key[0], group[0]) for key, group in groups.items()]


def as_yaml(document: dict[str, Any]) -> str:
    """A document as people write it: one rule a line."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=160)


def sniff(sample: Sample) -> str:
    """The format that a message seems to have, nothing where there is none that is known."""
    try:
        text = sample.payload.decode().strip()
    except UnicodeDecodeError:
        return ""
    if _packml_at(sample.topic) is not None:
        return "packml"
    if text[:1] == "<":
        return "mtconnect_xml" if "MTConnectStreams" in text[:2000] else ""
    if text[:1] in ("{", "["):
        return "json" if _document(sample.payload) is not None else ""
    if _SHDR.match(text):
        return "shdr"
    return "number" if _says_number(text) or _says_number(with_point(text) or "") else ""


def _says_number(text: str) -> bool:
    return number(text) is not None or number_and_unit(text) is not None


def _has_commas(texts: Sequence[str]) -> bool:
    """Whether numbers are written with decimal commas: one is, and none cannot be."""
    pointed = [with_point(text) for text in texts]
    all_may = all(text is not None and _says_number(text) for text in pointed)
    return all_may and any(not _says_number(text) for text in texts)


def rule_for(source: str, name: str, value: Any, unit: str = "", *, with_unit: bool = False) -> dict[str, Any]:
    """The rule of one value, guessed from its name, its unit and what it is; `with_unit`: `23.5 kWh` is a number."""
    clean = re.sub(r"[^A-Za-z0-9_.:-]+", "_", name).strip("_") or "value"
    clean = (clean if clean[0].isalpha() else f"v_{clean}")[:100]
    found = guess(clean)
    quantity, unit_here = found.quantity, found.unit
    if isinstance(value, str) and number(value) is None and not (with_unit and number_and_unit(value)):
        quantity, unit_here = (quantity if QUANTITIES[quantity].kind is SeriesKind.STATE else "text"), ""
    elif unit and is_known(unit):
        quantity, unit_here = (quantity_of_unit(unit) if quantity == "number" else quantity), unit
    rule = {"from": source, "name": clean, "quantity": quantity, "unit": unit_here, "qualifier": found.qualifier}
    return {key: text for key, text in rule.items() if text or key == "from"}


def rules_for(values: Iterable[tuple[str, str, Any, str]], *, with_units: bool = False) -> list[dict[str, Any]]:
    """Rules of (source, name, value, unit), each name once."""
    rules: dict[str, dict[str, Any]] = {}
    for source, name, value, unit in values:
        rule = rule_for(source, name, value, unit, with_unit=with_units)
        rules.setdefault(rule["name"], rule)
    return list(rules.values())[:MOST_RULES]


def _mapping(kind: str, samples: Sequence[Sample]) -> dict[str, Any]:
    if kind in ("packml", "number"):
        return _one_value(kind, samples)
    topic, asset = _pattern([sample.topic for sample in samples])
    head = {"topic": topic, "site": _SITE, "asset": asset, "format": kind}
    if kind == "json":
        return {**head, **_json(samples)}
    return {**head, "conditions": "alarm", "unmapped": "propose", "values": []}


def _one_value(kind: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """Topics that end with what their value is."""
    cuts = [_packml_at(sample.topic) or sample.topic.rfind("/") for sample in samples]
    topic, asset = _pattern([sample.topic[: max(0, cut)] for sample, cut in zip(samples, cuts, strict=True)])
    tags = [sample.topic[cut + 1 :] for sample, cut in zip(samples, cuts, strict=True)]
    texts = [sample.payload.decode("utf-8", "replace").strip() for sample in samples]
    has_commas = kind == "number" and _has_commas(texts)
    texts = [with_point(text) or text for text in texts] if has_commas else texts
    rules = [(tag, tag, text, _unit_in(text)) for tag, text in zip(tags, texts, strict=True)]
    known = [each for each in rules if kind == "number"]
    return {
        "topic": f"{topic}/{{tag...}}" if topic else "{tag...}",
        "site": _SITE,
        "asset": asset,
        "format": kind,
        **({"decimal": "comma"} if has_commas else {}),
        "time": "receive",
        "unmapped": "ignore",
        "values": rules_for(known, with_units=True),
    }


def _unit_in(text: str) -> str:
    found = number_and_unit(text)
    return found[1] if found and number(text) is None else ""


def _packml_at(topic: str) -> int | None:
    """Where the tag of a PackML topic begins (the slash before it)."""
    levels = topic.split("/")
    for place, level in enumerate(levels[:-1]):
        tag = packml.canonical("/".join(levels[place:]))
        if level in _PACKML_ROOTS and place and (tag in packml.TAGS or level == "Command"):
            return len("/".join(levels[:place]))
    return None


def _shape(sample: Sample, kind: str) -> tuple[str, ...]:
    """What messages of one mapping have in common."""
    levels = sample.topic.split("/")
    if kind in ("packml", "number"):
        cut = _packml_at(sample.topic) or sample.topic.rfind("/")
        return levels[0], str(sample.topic[: max(0, cut)].count("/"))
    records, _ = _records(_document(sample.payload)) if kind == "json" else ([], "")
    first = records[0] if records and isinstance(records[0], dict) else {}
    return levels[0], str(len(levels)), *sorted(first)


def _pattern(topics: Sequence[str]) -> tuple[str, str]:
    """A topic with places where the given ones differ, and the asset path that it gives."""
    columns = list(zip(*(topic.split("/") for topic in dict.fromkeys(topics)), strict=False))
    varying = [place for place, column in enumerate(columns) if len(set(column)) > 1][-len(_PLACES) :]
    names = {place: _PLACES[at] for at, place in enumerate(reversed(varying))}
    topic = "/".join(f"{{{names[place]}}}" if place in names else column[0] for place, column in enumerate(columns))
    fixed = [re.sub(r"[^A-Za-z0-9_.-]", "_", column[0]).lstrip("_.-") for column in columns if column[0]]
    telling = [level for level in fixed if level and not _GENERIC.fullmatch(level)] or fixed
    asset = "/".join(f"{{{names[place]}}}" for place in sorted(names)) or "/".join(filter(None, telling[-1:]))
    return topic, asset


# -- JSON -----------------------------------------------------------------------------------------


def _document(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def _records(document: Any) -> tuple[list[Any], str]:
    """The records of a payload and the path to them."""
    if isinstance(document, list):
        return document, ""
    if isinstance(document, dict):
        for name, value in document.items():
            if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
                return value, path_of((name,))
        return [document], ""
    return [], ""


def objects(payload: bytes) -> list[dict[str, Any]]:
    """The records of a payload that are objects."""
    return [record for record in _records(_document(payload))[0] if isinstance(record, dict)]


def _json(samples: Sequence[Sample]) -> dict[str, Any]:
    document = _document(samples[0].payload)
    records, path = _records(document)
    objects = [record for record in records if isinstance(record, dict)]
    first = objects[0] if objects else {}
    time, time_source = time_rule(first, document if isinstance(document, dict) and path else {})
    item = _item(objects)
    found: dict[str, Any] = {**({"records": path} if path else {}), **({"item": item} if item else {}), "time": time}
    if item:
        named = [(get(record, item["name"]), get(record, item["value"]), record) for record in objects]
        values = [(str(n), str(n), v, str(record.get(item.get("unit", ""), "") or "")) for n, v, record in named]
    else:
        values = [
            (source, name, value, "")
            for name, source, value in leaves(first)
            if source != time_source and isinstance(value, int | float | str)
        ]
    return {**found, "values": rules_for(values)}


def _lists_left_out(kind: str, sample: Sample) -> str:
    """A remark about the lists of a record: which part of one is a value, nobody can guess."""
    found = objects(sample.payload)[:1] if kind == "json" else []
    lists = [path for record in found for path, value in lists_in(record) if not _is_records(value)]
    said = "".join(f"#   from: {json.dumps(f'{path}[0]', ensure_ascii=False)}\n" for path in lists[:MOST_LISTS])
    return f"# These are lists, of which a rule names one place each:\n{said}" if said else ""


def _is_records(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(each, dict) for each in value)


def _item(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    """How records say name and value, if they are lists of such."""
    first = records[0] if records else {}
    members = {name.lower(): name for name in first}
    name = next((members[each] for each in _NAMES if isinstance(first.get(members.get(each, "")), str)), "")
    value = next((members[each] for each in _VALUES if each in members), "")
    unit = next((members[each] for each in _UNITS if isinstance(first.get(members.get(each, "")), str)), "")
    if not name or not value:
        return {}
    return {"name": name, "value": value, **({"unit": unit} if unit else {})}
