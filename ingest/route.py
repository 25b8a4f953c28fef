"""Topic in, source out: which asset speaks, how its messages are decoded. Remembers topics, since they repeat."""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from ingest.decode import mapped, native, shdr
from ingest.decode.result import Decoded, Key, Rejection, refused, shown
from ingest.mapping import KEY, Mapping, ValueRule

PREFIX = "haidang/v1/"
SUBSCRIPTION = "haidang/v1/#"
MOST_LEVELS = 6
MOST_TOPICS = 100_000
LONGEST_KEY = 200


class SeriesRef:
    """A series as one source names it; the resolver fills in what it is in the database."""

    __slots__ = ("index", "is_text", "name", "rule", "source", "unit")

    def __init__(self, source: "Source", name: str, unit: str | None, rule: ValueRule | None) -> None:
        self.source = source
        self.name = name
        self.unit = unit
        self.rule = rule
        self.index = -1
        self.is_text = False  # what its first value was


class Source(msgspec.Struct, kw_only=True, eq=False):
    """Everything that is known about a topic."""

    topic: str
    site: str = ""
    asset: str = ""
    device: str = ""
    protocol: str = "native"
    is_status: bool = False
    mapping: Mapping | None = None
    decode: Callable[[bytes], Decoded]
    refs: dict[Key, SeriesRef] = {}
    places: dict[tuple[Key, ...], bytes] = {}  # of rows, once all their refs have an index; see ingest.columns
    site_id: int = 0
    asset_id: int = 0
    device_id: int = 0

    def forget(self) -> None:
        """Let go of what was resolved: the next message is looked up again."""
        self.refs.clear()
        self.places.clear()

    def ref(self, name: str, unit: str | None) -> SeriesRef:
        """The series of a name; made at its first sight."""
        key = name if unit is None else (name, unit)
        found = self.refs.get(key)
        if found is None:
            rule = self.mapping.by_name.get(name) if self.mapping else None
            found = self.refs[key] = SeriesRef(self, name, unit, rule)
        return found


class Router:
    """Knows the topics of the contract and those of the mappings."""

    def __init__(self, mappings: Sequence[Mapping] = ()) -> None:
        self._mappings = tuple(mappings)
        self._known: dict[str, Source] = {}

    @property
    def subscriptions(self) -> list[str]:
        """Topic filters to subscribe to."""
        return list(dict.fromkeys([SUBSCRIPTION, *(mapping.subscription for mapping in self._mappings)]))

    def source(self, topic: str) -> Source:
        """The source of a topic; one that is not understood refuses its messages with a reason."""
        found = self._known.get(topic)
        if found is None:
            if len(self._known) >= MOST_TOPICS:
                self._known.clear()
            found = self._known[topic] = self._make(topic)
        return found

    def _make(self, topic: str) -> Source:
        for mapping in self._mappings:
            place = mapping.place(topic)
            if place is not None:
                return _mapped(topic, mapping, *place)
        return _native(topic)


def _mapped(topic: str, mapping: Mapping, site: str, asset: str) -> Source:
    if not KEY.fullmatch(asset) or len(asset) > LONGEST_KEY:
        return _refusing(topic, "bad_topic", f"{shown(asset)} cannot be the path of an asset", site=site)
    decoder = shdr.decode if mapping.format == "shdr" else mapped.decode
    return Source(
        topic=topic,
        site=site,
        asset=asset,
        device=topic,
        protocol="shdr" if mapping.format == "shdr" else "mapping",
        mapping=mapping,
        decode=partial(decoder, mapping=mapping),
    )


def _native(topic: str) -> Source:
    site, *levels = topic.removeprefix(PREFIX).split("/")
    if not topic.startswith(PREFIX) or not levels or levels[-1] not in ("data", "status"):
        detail = (
            f"topic {shown(topic, 120)} is none of ours: haidang/v1/SITE/AREA/LINE/UNIT/data (or /status) was expected"
        )
        return _refusing(topic, "unknown_topic", detail)
    asset = "/".join(levels[:-1])
    if len(levels) - 1 > MOST_LEVELS or len(asset) > LONGEST_KEY:
        return _refusing(
            topic, "bad_topic", f"an asset path has at most {MOST_LEVELS} levels and 200 characters", site=site
        )
    if asset and not KEY.fullmatch(asset):
        detail = f"{shown(asset, 120)} cannot be the path of an asset: letters, digits, _ . - and no empty level"
        return _refusing(topic, "bad_topic", detail, site=site)
    place = f"{site}/{asset}" if asset else site
    is_status = levels[-1] == "status"
    return Source(
        topic=topic,
        site=site,
        asset=asset,
        device=asset or "(site)",
        is_status=is_status,
        decode=_status if is_status else partial(native.decode, asset=place),
    )


def _refusing(topic: str, code: str, detail: str, *, site: str = "") -> Source:
    whole = Rejection(code, detail, 0)
    return Source(topic=topic, site=site, decode=lambda _payload: Decoded(whole=whole))


def _status(payload: bytes) -> Decoded:
    online = native.decode_status(payload)
    if online is None:
        return refused(
            "bad_status", f"a status is online or offline, not {shown(payload[:40].decode('utf-8', 'replace'))}"
        )
    return Decoded(online=online)
