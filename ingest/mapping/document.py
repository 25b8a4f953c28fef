"""A mapping: one kind of message, from its topic to its series. What contradicts itself is refused when it is read."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from ingest import packml
from ingest.mapping import topics
from ingest.mapping.part import Part
from ingest.mapping.rules import EventRule, ItemRule, ValueRule
from ingest.mapping.times import TimeRule
from ingest.mapping.topics import PLACE
from model.units import guess
from model.vocabulary import QUANTITIES, EventKind, SeriesKind

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
Format = Literal["json", "shdr", "mtconnect_xml", "umh", "packml", "number", "sparkplug"]
_ONE_VALUE = ("packml", "number")  # formats of one value per topic
_MTCONNECT = ("shdr", "mtconnect_xml")
# Keys that only some formats have a use for.
_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "records": ("json",),
    "item": ("json",),
    "identity": ("json",),
    "tag": _ONE_VALUE,
    "value": _ONE_VALUE,
    "decimal": _ONE_VALUE,
    "device": ("mtconnect_xml",),
    "conditions": _MTCONNECT,
    "events": ("json",),
}
# Events that say what is so from now on: one that comes again later changes nothing.
_REPEATABLE = (EventKind.PRODUCT_CHANGE, EventKind.JOB_CHANGE, EventKind.STOP_REASON)


class Mapping(Part):
    """One kind of message."""

    topic: str
    site: str
    asset: str
    format: Format
    time: TimeRule = Field(default_factory=lambda: TimeRule.model_validate({}))
    unmapped: Literal["ignore", "propose"] = "ignore"
    records: str = ""
    item: ItemRule | None = None
    identity: str = ""  # path of the member that names the machine: it must be the one that the topic says
    tag: str = ""
    value: str = "value"
    decimal: Literal["point", "comma"] = "point"
    device: str = ""
    values: tuple[ValueRule, ...] = ()
    events: tuple[EventRule, ...] = ()
    conditions: Literal["ignore", "alarm"] = "ignore"
    persons: tuple[str, ...] = ()
    replay: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Mapping":
        problem = next(self._problems(), "")
        if problem:
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        yield from filter(None, [topics.problem(self.topic)])
        yield from self._unknown_places()
        for key, formats in _ONLY_FOR.items():
            if getattr(self, key) != type(self).model_fields[key].default and self.format not in formats:
                yield f"`{key}` is for format {' or '.join(formats)}, this one is {self.format}"
        yield from self._time_problems()
        yield from self._value_problems()
        hidden = {name for rule in self.events for name in PLACE.findall(rule.key)} & set(self.persons)
        if hidden:
            yield f"the key of an event may not hold the person field {hidden.pop()}"

    def _unknown_places(self) -> Iterator[str]:
        named = set(topics.names(self.topic))
        for text in (self.site, self.asset, self.tag, *(rule.name for rule in self.values)):
            for name in set(PLACE.findall(text)) - named:
                yield f"{{{name}}} is not a segment of the topic {self.topic}"

    def _time_problems(self) -> Iterator[str]:
        has_time = self.time.source is not None or self.time.receive
        if self.format == "json" and not has_time and (self.values or self._needs_time()):
            yield "time needs `from`: the member that holds the time (or `time: receive` where there is none)"
        if self.format in _ONE_VALUE and not has_time:
            yield "time needs `from` (a member of the payload), or `time: receive` where payloads have no time"
        if self.time.receive:
            if self.format not in ("json", *_ONE_VALUE):
                yield f"messages of format {self.format} carry their time: `time: receive` is not for them"
            if any(rule.series_kind is SeriesKind.DELTA for rule in self.values):
                yield "`time: receive` is not for kind delta: a message that is delivered twice would count twice"
            if any(rule.slot is None and rule.kind not in _REPEATABLE for rule in self.events):
                yield "`time: receive` is not for events that would count twice when a message is delivered twice"

    def _value_problems(self) -> Iterator[str]:
        sources = [rule.source for rule in self.values]
        if self.format == "packml":
            sources = [packml.canonical(source) for source in sources]
        for what, names in (("name", [r.name for r in self.values]), ("from", sources)):
            if len(set(names)) != len(names):
                yield f"two values have the same `{what}`"
        if self.format in _ONE_VALUE and not (self.tag or topics.tail(self.topic)):
            if len(self.values) != 1:
                yield "one value per topic: exactly one entry in `values`, or {name...} in the topic, or `tag`"
        elif "" in sources:
            yield "a value needs `from`"

    def _needs_time(self) -> bool:
        return any(rule.slot is None for rule in self.events)

    @cached_property
    def by_source(self) -> dict[str, ValueRule]:
        return {rule.source: rule for rule in self.values}

    @cached_property
    def by_tag(self) -> dict[str, ValueRule]:
        """Rules by PackML tag: the mapping's own, and the usual ones whose names are free."""
        own = {packml.canonical(rule.source): rule for rule in self.values}
        usual = {tag: ValueRule.model_validate({"from": tag, **rule}) for tag, rule in packml.TAGS.items()}
        return {**{tag: rule for tag, rule in usual.items() if rule.name not in self._own_names}, **own}

    @cached_property
    def by_name(self) -> dict[str, ValueRule]:
        rules = self.by_tag.values() if self.format == "packml" else self.values
        return {rule.name: rule for rule in rules}

    @cached_property
    def _own_names(self) -> set[str]:
        return {rule.name for rule in self.values}

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Members and paths that name persons."""
        return frozenset((*self.persons, *(rule.source for rule in self.values if rule.person)))

    def hides(self, path: str) -> bool:
        """Whether a path leads to what names a person, or into it."""
        return any(f"{path}.".startswith((f"{each}.", f"$.{each}.")) for each in self.hidden)

    @property
    def names_persons(self) -> bool:
        return bool(self.hidden)

    @property
    def subscription(self) -> str:
        """The topic filter of MQTT."""
        return topics.subscription(self.topic)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return topics.pattern(self.topic)

    def segments(self, topic: str) -> dict[str, str] | None:
        """What stands in the places of the topic, or None if it is not one of ours."""
        found = self.pattern.fullmatch(topic)
        return None if found is None else {name: text or "" for name, text in found.groupdict().items()}

    def place(self, topic: str) -> tuple[str, str] | None:
        """Site key and asset path that a topic stands for, or None if it is not one of ours."""
        segments = self.segments(topic)
        if segments is None:
            return None
        return topics.fill(self.site, segments), topics.fill(self.asset, segments)

    def tag_of(self, segments: dict[str, str]) -> str:
        """What a topic says that its one value is."""
        return topics.fill(self.tag, segments) if self.tag else segments.get(topics.tail(self.topic), "")

    def at(self, segments: dict[str, str]) -> "Mapping":
        """The mapping as it is for one topic: with the places in its names filled."""
        if not any(PLACE.search(rule.name) for rule in self.values):
            return self
        filled = [rule.model_copy(update={"name": topics.fill(rule.name, segments)}) for rule in self.values]
        return self._with(values=tuple(filled))

    def wanting_everything(self) -> "Mapping":
        """The mapping as it would be if all that no rule names were proposed."""
        return self._with(unmapped="propose")

    def _with(self, **changes: Any) -> "Mapping":
        fields = {name: getattr(self, name) for name in type(self).model_fields}  # and nothing that was worked out
        return Mapping.model_construct(self.model_fields_set, **{**fields, **changes})

    def rule_for_unmapped(self, name: str, *, is_text: bool, source: str = "") -> ValueRule:
        """What an item that no rule names is proposed as."""
        found = guess(name)
        quantity, unit = found.quantity, found.unit
        if is_text and QUANTITIES[quantity].kind is not SeriesKind.STATE:
            quantity, unit = "text", ""
        return ValueRule.model_construct(
            source=source or name, name=name, quantity=quantity, unit=unit, qualifier=found.qualifier
        )
