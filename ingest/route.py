"""Topic in, source out: which asset speaks, how its messages are decoded. Remembers topics, since they repeat."""

from collections.abc import Callable, Sequence
from functools import partial
from sys import intern

import msgspec

from ingest import formats
from ingest.claims import Claims
from ingest.decode import native
from ingest.decode.result import Decoded, Key, Rejection, refused, shown
from ingest.mapping import KEY, Mapping, ValueRule
from ingest.mapping.topics import covers
from ingest.names import site_key
from ingest.recent import Recent
from ingest.sparkplug import topics as sparkplug
from ingest.sparkplug.host import Host

PREFIX = "haidang/v1/"
SUBSCRIPTION = "haidang/v1/#"
MOST_TOPICS = 400_000  # remembered; a fleet of meters may have one for each series


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
    decode: Callable[..., Decoded]
    numbers: Callable[[bytes], tuple[tuple[int, ...], tuple[int, ...]]] | None = None  # of a message refused unread
    timed_by_receipt: bool = False  # `decode` asks for the time of receipt
    refs: dict[Key, SeriesRef] = {}
    places: dict[tuple[Key, ...], bytes] = {}  # of rows, once all their refs have an index; see ingest.columns
    place: sparkplug.Place | None = None  # of topics of Sparkplug, whose messages the host takes
    site_id: int = 0
    asset_id: int = 0
    device_id: int = 0
    placed: int = 0  # when the ids were looked up; see ingest.places

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
            found = self.refs[key] = SeriesRef(self, intern(name), unit, rule)
        return found

    def drop(self, ref: SeriesRef) -> None:
        """Let go of one series; its next value is looked up again."""
        self.refs.pop(ref.name if ref.unit is None else (ref.name, ref.unit), None)


def without_covered(filters: Sequence[str]) -> list[str]:
    """Topic filters without those whose every topic another one takes: a message should come once."""
    kept = list(dict.fromkeys(filters))
    return [one for one in kept if not any(other != one and covers(other, one) for other in kept)]


class Router:
    """Knows the topics of the contract and of the mappings, and those of Sparkplug where there is a host for them."""

    def __init__(self, mappings: Sequence[Mapping] = (), host: Host | None = None, *, reads_umh: bool = True) -> None:
        self._mappings = tuple(mappings)
        self._known: Recent[str, Source] = Recent(MOST_TOPICS)
        self._speakers: Recent[str, Source] = Recent(MOST_TOPICS)  # of Sparkplug: several topics each
        self._claims = Claims()
        self.host = host
        self._reads_umh = reads_umh
        if host is not None:
            host.source_of = self.source

    def use(self, mappings: Sequence[Mapping]) -> None:
        """Read topics by other mappings from now on; messages on their way keep what they were read by."""
        self._mappings = tuple(mappings)
        self._known, self._speakers, self._claims = Recent(MOST_TOPICS), Recent(MOST_TOPICS), Claims()
        if self.host is not None:
            self.host.remap()

    @property
    def subscriptions(self) -> list[str]:
        """Topic filters to subscribe to."""
        own = [
            SUBSCRIPTION,
            *self.per_node,
            *(formats.UMH_SUBSCRIPTIONS if self._reads_umh else []),
        ]
        others = [mapping.subscription for mapping in self._mappings if mapping.format != "sparkplug"]
        return without_covered([*own, *others])

    @property
    def per_node(self) -> list[str]:
        """Those of Sparkplug, whatever covers them: the host must see all of its nodes."""
        return [sparkplug.SUBSCRIPTION] if self.host else []

    def source(self, topic: str) -> Source:
        """The source of a topic; one that is not understood refuses its messages with a reason."""
        found = self._known.get(topic)
        if found is None:
            found = self._make(topic)
            self._known.put(topic, found)
        return found

    def _make(self, topic: str) -> Source:
        if self.host is not None and topic.startswith(f"{sparkplug.NAMESPACE}/"):
            return self._sparkplug(topic, self.host)
        try:
            for mapping in self._mappings:
                segments = mapping.segments(topic) if mapping.format != "sparkplug" else None
                if segments is not None:
                    return self._claimed(topic, formats.of_mapping(topic, mapping, segments))
            if self._reads_umh and topic.startswith(formats.UMH_PREFIX):
                return self._claimed(topic, formats.of_umh(topic))
            return _native(topic)
        except formats.TopicError as error:
            return _refusing(topic, error.code, error.detail, site=error.site)

    def _claimed(self, topic: str, speaker: formats.Speaker) -> Source:
        """The source of a topic, if no other one's names become the same.

        Raises:
            TopicError: another one's do.
        """
        if speaker.location:
            self._claims.claim_asset(speaker.site, speaker.asset, speaker.location)
        if speaker.tag is not None:
            self._claims.claim_series(speaker.site, speaker.asset, *speaker.tag)
        return Source(
            topic=topic,
            site=speaker.site,
            asset=speaker.asset,
            device=speaker.device,
            protocol=speaker.protocol,
            decode=speaker.decode,
            mapping=speaker.mapping,
            timed_by_receipt=speaker.timed_by_receipt,
        )

    def _sparkplug(self, topic: str, host: Host) -> Source:
        """One of the topics of a node or device: what is known of their names is common to all of them."""
        place = sparkplug.parse(topic)
        if isinstance(place, str):
            return _refusing(topic, "bad_topic", f"topic {shown(topic, 120)}: {place}")
        if place.kind == sparkplug.STATE:
            return Source(topic=topic, place=place, decode=lambda _payload: Decoded())
        speaker = self._speakers.get(place.identity)
        if speaker is None:
            speaker = self._speaker(place)
            self._speakers.put(place.identity, speaker)
        if not KEY.fullmatch(speaker.asset) or len(speaker.asset) > formats.LONGEST_KEY:
            detail = f"{shown(speaker.asset, 120)} cannot be the path of an asset: name it in a mapping"
            return _refusing(topic, "bad_topic", detail, site=speaker.site)
        try:
            formats.device_key(speaker.device, speaker.site)
            if speaker.mapping is None:
                self._claims.claim_asset(speaker.site, speaker.asset, place.identity)
        except formats.TopicError as error:
            return _refusing(topic, error.code, error.detail, site=error.site)
        source = msgspec.structs.replace(speaker, topic=topic, place=place)
        source.decode = partial(host.read, source)
        return source

    def _speaker(self, place: sparkplug.Place) -> Source:
        mapping, site = None, site_key(place.group)
        asset = "/".join(part.replace(" ", "_") for part in (place.node, place.device) if part)
        for each in self._mappings:
            found = each.place(place.identity) if each.format == "sparkplug" else None
            if found is not None:
                mapping, (site, asset) = each, found
                break
        return Source(
            topic=place.identity,
            site=site,
            asset=asset,
            device=place.identity,
            protocol="sparkplug",
            mapping=mapping,
            decode=lambda _payload: Decoded(),
        )


def _native(topic: str) -> Source:
    site, *levels = topic.removeprefix(PREFIX).split("/")
    if not topic.startswith(PREFIX) or not levels or levels[-1] not in ("data", "status"):
        detail = (
            f"topic {shown(topic, 120)} is none of ours: haidang/v1/SITE/AREA/LINE/UNIT/data (or /status) was expected"
        )
        return _refusing(topic, "unknown_topic", detail)
    asset = "/".join(levels[:-1])
    formats.check_asset(asset, site)
    place = f"{site}/{asset}" if asset else site
    is_status = levels[-1] == "status"
    return Source(
        topic=topic,
        site=site,
        asset=asset,
        device=asset or "(site)",
        is_status=is_status,
        decode=_status if is_status else partial(native.decode, asset=place),
        numbers=None if is_status else partial(native.numbers, asset=place),
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
