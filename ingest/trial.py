"""A trial of mappings: live or kept messages in, what would become of them out. Stores and publishes nothing.

Goes the way of ingest (router, intake, proposal of series), but without the registry: sites are taken as known.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ingest import formats, intake, suggest
from ingest.content import time_problem
from ingest.decode.paths import leaves
from ingest.decode.result import Decoded, Person, Rejection, Value
from ingest.limits import Limits
from ingest.mapping import Mapping
from ingest.names import series_name
from ingest.proposal import conversion_to, proposal, unit_problem
from ingest.route import Router, Source
from ingest.sparkplug.host import Host
from ingest.sparkplug.payload import PayloadError, parse
from ingest.sparkplug.topics import Place
from ingest.trial_seen import MOST_REASONS, MOST_SERIES, RuleSeen, SeriesSeen, TopicSeen, Unmatched
from model.units import UnitError
from store.raw_registry import SeriesRow

MOST_TOPICS = 500
UNKNOWN = "unknown_topic"


class Trial:
    """Takes messages and remembers what became of them; `mappings` are named by their files."""

    def __init__(self, mappings: Sequence[tuple[str, Mapping]] = (), limits: Limits | None = None) -> None:
        self._mappings = list(mappings)
        self._limits = limits or Limits()
        self._host = Host()
        self.router = Router([mapping for _, mapping in mappings], self._host)
        # Reads Sparkplug as if everything were wanted: what its nodes are is known only to whoever hears all of them.
        self._asking = Router([mapping.wanting_everything() for _, mapping in mappings], Host())
        self.topics: dict[str, TopicSeen] = {}
        self.messages = 0
        self.left_out = 0  # messages of topics beyond those that are shown
        self._hits: Counter[tuple[str, str]] = Counter()
        self._topics_of: Counter[str] = Counter()

    def see(self, topic: str, payload: bytes, received_us: int) -> None:
        """Take a message."""
        self.messages += 1
        source = self.router.source(topic)
        if topic not in self.topics and len(self.topics) >= MOST_TOPICS:
            self.left_out += 1
            return
        opened = intake.opened(payload, self._limits.payload_bytes)
        seen = self._topic(source)
        seen.messages += 1
        if isinstance(opened, Rejection):
            seen.refuse(opened.code, opened.detail)
            return
        if not seen.read_by:
            seen.sample = opened
        if source.place is not None:
            for part in self._host.take(source, opened, received_us, dup=False):
                self._note(part.source, self._topic(part.source), part.decoded, received_us)
            self._host.outgoing.clear()
            if source.mapping is not None:
                self._ask_node(source, source.place, seen, Arrived(opened, received_us))
            return
        self._note(source, seen, intake.decode(source, opened, received_us), received_us)
        if source.mapping is not None and source.mapping.unmapped == "ignore":
            self._note_unmatched(source, seen, opened, received_us)

    @property
    def mappings(self) -> list[Mapping]:
        """What is tried."""
        return [mapping for _, mapping in self._mappings]

    # -- what was seen --------------------------------------------------------------------------------

    @property
    def rules(self) -> list[RuleSeen]:
        """All rules of the mappings."""
        return [
            RuleSeen(file, rule.source, rule.name, self._hits[file, rule.source])
            for file, mapping in self._mappings
            for rule in mapping.values
        ]

    @property
    def silent_mappings(self) -> list[str]:
        """Files of which no topic was seen."""
        return [file for file, _ in self._mappings if not self._topics_of[file]]

    @property
    def unread(self) -> list[TopicSeen]:
        """Topics that nothing reads."""
        return [seen for seen in self.topics.values() if not seen.read_by]

    def new_mappings(self) -> list[str]:
        """Mapping files that would read what nothing reads."""
        unknown = [seen for seen in self.unread if not seen.refused]  # not those of our own formats that are refused
        return suggest.mappings_for(suggest.Sample(seen.topic, seen.sample) for seen in unknown)

    def more_rules(self) -> dict[str, str]:
        """Rules in YAML, by mapping file, for values that no rule of it names."""
        found: dict[str, dict[str, Unmatched]] = {}
        for seen in self.topics.values():
            for name, each in seen.unmatched.items():
                found.setdefault(seen.read_by, {}).setdefault(name, each)
        return {
            file: suggest.as_yaml({"values": suggest.rules_for((e.source, e.name, e.last, "") for e in each.values())})
            for file, each in found.items()
        }

    # -- noting ---------------------------------------------------------------------------------------

    def _topic(self, source: Source) -> TopicSeen:
        topic = source.topic if source.place is None else source.place.identity  # births and data of one speaker
        seen = self.topics.get(topic)
        if seen is None:
            read_by = self._read_by(source)
            seen = self.topics[topic] = TopicSeen(topic, read_by, source.site, source.asset)
            self._topics_of[read_by] += 1
        return seen

    def _read_by(self, source: Source) -> str:
        """The mapping file or the built-in format that reads a topic, nothing if none does."""
        for file, mapping in self._mappings:
            topic = source.place.identity if source.place is not None else source.topic
            if mapping.segments(topic) is not None and (mapping.format == "sparkplug") == (source.place is not None):
                return file
        if source.place is not None:
            return "sparkplug"
        return source.protocol if source.device else ""

    def _note(self, source: Source, seen: TopicSeen, decoded: Decoded, received_us: int) -> None:
        if decoded.whole is not None:
            if seen.read_by or decoded.whole.code != UNKNOWN:
                seen.refuse(decoded.whole.code, decoded.whole.detail)
            return
        seen.ignored += decoded.ignored
        seen.events.update(str(event.kind) for event in decoded.events)
        for code, detail, _ in decoded.rejected[:MOST_REASONS]:
            seen.refuse(code, detail)
        for value in decoded.every_value():
            self._note_value(source, seen, value, received_us)

    def _note_value(self, source: Source, seen: TopicSeen, value: Value, received_us: int) -> None:
        name, unit, ts_us, received, _ = value
        seen.values += 1
        series = seen.series.get((name, unit))
        if series is None:
            if len(seen.series) >= MOST_SERIES:
                return
            series = seen.series[name, unit] = _series(source, value)
        rule = source.mapping.by_name.get(name) if source.mapping else None
        if rule is not None and received is not None:
            self._hits[seen.read_by, rule.source] += 1
        if not self._limits.earliest_us <= ts_us <= received_us + self._limits.future_us:
            problem = time_problem(ts_us, received_us, self._limits)
            seen.refuse(problem.code, problem.detail)
            return
        if series.refused:
            code, _, detail = series.refused.partition(": ")
            seen.refuse(code, detail)
            return
        series.count += 1
        series.last, series.last_us = _stored(source, value, series), ts_us

    def _note_unmatched(self, source: Source, seen: TopicSeen, opened: bytes, received_us: int) -> None:
        """Read the message once more, as if everything were wanted."""
        mapping = source.mapping
        assert mapping is not None  # noqa: S101 - asked for by the caller
        segments = mapping.segments(source.topic) or {}
        try:
            asking = formats.of_mapping(source.topic, mapping.wanting_everything(), segments)
        except formats.TopicError:  # it would be called like what a rule names: nobody can want both
            return
        everything = asking.decode(opened, **({"received_us": received_us} if asking.timed_by_receipt else {}))
        sources = _sources(opened) if mapping.format == "json" and mapping.item is None else {}
        _add_unmatched(seen, mapping, everything, sources)

    def _ask_node(self, source: Source, place: Place, seen: TopicSeen, arrived: "Arrived") -> None:
        """Read a packet of Sparkplug once more, as if everything were wanted."""
        host, mapping = self._asking.host, source.mapping
        assert host is not None  # noqa: S101 - made so above
        assert mapping is not None  # noqa: S101 - asked for by the caller
        parts = host.take(self._asking.source(source.topic), arrived.payload, arrived.received_us, dup=False)
        host.outgoing.clear()
        node = host.node(place.group, place.node)
        born = node.device(place.device).metrics if node is not None else ()
        sources = {series_name(name): name for name in (*_metrics(arrived.payload), *(each.name for each in born))}
        if parts and mapping.unmapped == "ignore":
            _add_unmatched(seen, mapping, parts[0].decoded, sources)


class Arrived(NamedTuple):
    """A payload, decompressed, and when it came."""

    payload: bytes
    received_us: int


def _add_unmatched(seen: TopicSeen, mapping: Mapping, everything: Decoded, sources: dict[str, str]) -> None:
    """Note the values that no rule names; `sources` says what they are called where their name is not."""
    for name, _, _, received, _ in everything.every_value():
        if name not in mapping.by_name:
            seen.miss(name, sources.get(name, name), received)


def _metrics(payload: bytes) -> list[str]:
    """The names that a packet of Sparkplug says itself: not all of them need be in a birth."""
    try:
        return [metric.name for metric in parse(payload).metrics if isinstance(metric.name, str) and metric.name]
    except PayloadError:
        return []


def _series(source: Source, value: Value) -> SeriesSeen:
    """What a name and its unit become, or why they become nothing."""
    name, unit, _, received, _ = value
    ref = source.ref(name, unit)
    ref.is_text = isinstance(received, str)
    seen = SeriesSeen(name, ref.rule.source if ref.rule else "", received_unit=unit or "")
    made = proposal(ref)
    if isinstance(made, Rejection):
        seen.refused = f"{made.code}: {made.detail}"
        return seen
    seen.quantity, seen.unit = made.quantity, made.unit
    try:
        conversion_to(ref, _row(seen, made.kind))
    except UnitError as error:
        problem = unit_problem(ref, error)
        seen.refused = f"{problem.code}: {problem.detail}"
    return seen


def _row(seen: SeriesSeen, kind: str) -> SeriesRow:
    return SeriesRow(0, seen.name, 0, seen.quantity, seen.unit, kind, None, None)


def _stored(source: Source, value: Value, series: SeriesSeen) -> float | str | None:
    """The value as it would be stored; a name of a person is not shown."""
    name, unit, _, received, _ = value
    if isinstance(received, Person):
        return "(a pseudonym)"
    if not isinstance(received, float):
        return received
    convert = conversion_to(source.ref(name, unit), _row(series, "gauge"))
    return received * convert.scale + convert.offset


def _sources(opened: bytes) -> dict[str, str]:
    """Where in a JSON payload the values of these names stand."""
    found: dict[str, str] = {}
    for record in suggest.objects(opened):
        found.update({series_name(name): path for name, path, _ in leaves(record)})
    return found
