"""Metrics of a birth in, what each of them is called and measures out: by name and by alias, as the mapping says."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ingest.decode.result import Key, Rejection, Row, shown
from ingest.mapping import Mapping, ValueRule
from ingest.names import series_name
from ingest.sparkplug.payload import KNOWN, MOST_METRICS, REFUSED, TEXTS
from ingest.sparkplug.shapes import Shapes
from ingest.sparkplug.sparkplug_b_pb2 import Metric
from ingest.sparkplug.state import BirthMetric

# Metrics by which nodes are steered; they say nothing of the machine.
BD_SEQ = "bdSeq"
_CONTROL = ("Node Control/", "Device Control/")
MOST_ROWS = 64
_STATES = frozenset({"state", "mode"})


class Meaning(NamedTuple):
    """What the values of a metric are."""

    name: str  # of the series
    unit: str | None
    datatype: int
    rule: ValueRule | None = None
    scale: float = 1.0
    is_text: bool = False
    is_ignored: bool = False
    refusal: Rejection | None = None
    key: Key = ""  # of the series, as rows name it
    is_plain: bool = False  # a number of it needs no second look
    is_state: bool = False  # a state or mode: no text is no state


class Meanings:
    """The metrics of one device; grows by what comes without a birth."""

    def __init__(self, metrics: Iterable[BirthMetric], mapping: Mapping | None) -> None:
        self._mapping = mapping
        self._takers: dict[str, str] = {}  # series name -> metric that has it
        self.by_name: dict[str, Meaning] = {}
        self.by_alias: dict[int, Meaning] = {}
        self.rows: dict[tuple[Key, ...], tuple[Key, ...]] = {}
        self.shapes = Shapes()
        for metric in metrics:
            meaning = self.define(metric)
            if metric.alias is not None:
                self.by_alias[metric.alias] = meaning

    def define(self, metric: BirthMetric) -> Meaning:
        """What a metric is, from its name on."""
        meaning = self._make(metric)
        if len(self.by_name) < MOST_METRICS:
            self.by_name[metric.name] = meaning
        return meaning

    def texts(self) -> list[str]:
        """Names of the series that hold texts."""
        found = [each for each in self.by_name.values() if each.is_text]
        return [each.name for each in found if not (each.is_ignored or each.refusal)]

    def learn(self, data: bytes, metrics: Sequence[Metric], row: Row) -> None:
        """Remember what a payload looks like of which all metrics went into one row."""
        if len(metrics) == len(row[0]) and self.shapes.has_room(len(data), len(metrics)):
            found = [self.by_name[m.name] if m.name else self.by_alias[m.alias] for m in metrics]
            scales = [meaning.scale for meaning in found]
            types = [m.datatype or meaning.datatype for m, meaning in zip(metrics, found, strict=True)]
            self.shapes.learn(data, scales, types, row)

    def row(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """The same keys as the same object, since one device sends the same ones again and again."""
        found = self.rows.get(keys)
        if found is None:
            if len(self.rows) >= MOST_ROWS:
                self.rows.clear()
            found = self.rows[keys] = keys
        return found

    def _make(self, metric: BirthMetric) -> Meaning:
        rule = self._mapping.by_source.get(metric.name) if self._mapping else None
        is_steering = metric.name == BD_SEQ or metric.name.startswith(_CONTROL)
        if rule is None and (is_steering or (self._mapping and self._mapping.unmapped == "ignore")):
            return Meaning("", None, metric.datatype, is_ignored=True)
        if rule is not None:
            unit, scale, is_text = rule.unit or None, rule.scale, rule.is_text
            name = rule.name
        else:
            is_text = metric.datatype in TEXTS
            name, unit, scale = series_name(metric.name), None if is_text else metric.unit, 1.0
        refusal = self._refusal(metric, name)
        key = name if unit is None else (name, unit)
        is_plain = not (is_text or refusal or (rule is not None and rule.range is not None))
        is_state = name in _STATES or (rule is not None and rule.quantity in _STATES)
        return Meaning(
            *(name, unit, metric.datatype, rule, scale, is_text),
            refusal=refusal,
            key=key,
            is_plain=is_plain,
            is_state=is_state,
        )

    def _refusal(self, metric: BirthMetric, name: str) -> Rejection | None:
        if metric.datatype in REFUSED:
            what = REFUSED[metric.datatype]
            return Rejection("unsupported_type", f"{shown(metric.name)}: {what} is no single value and is not stored")
        if metric.datatype and metric.datatype not in KNOWN:
            return Rejection("unknown_type", f"{shown(metric.name)}: datatype {metric.datatype} is none of Sparkplug B")
        taker = self._takers.get(name, metric.name)
        if len(self._takers) < MOST_METRICS:
            self._takers.setdefault(name, taker)
        if taker != metric.name:
            detail = f"{shown(metric.name)} would be called {shown(name)} like {shown(taker)}: name it in a mapping"
            return Rejection("name_taken", detail)
        return None
