"""A Sparkplug edge node with one device, as it goes through the faults: births, data by alias, deaths. Pure.

Aliases are dealt anew with every birth, of the node and the device from one pack: a value that is read by the aliases
of another birth lands in another series, and says so. What is made while nobody listens is sent after the next birth,
as historical values. In: chance, the time in ms. Out: messages to publish and what is to be stored of them.
"""

import random
from dataclasses import dataclass, replace

from ingest.sparkplug.announce import REBIRTH
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from model.vocabulary import Quality
from pilot.faults.load import digest
from pilot.faults.record import SPARKPLUG_SITE, VALUES, Record, asset_key, names, places, value

ALL = (1 << VALUES) - 1
INT64, DOUBLE, BOOLEAN, STRING = 4, 10, 11, 12
ROUND = 256
DEVICE = "press"
DEVICE_DEATH_SHARE = 1 / 150
NODE_DEATH_SHARE = 1 / 600
WHOLE_SHARE = 0.7  # of the messages carry every value
MOST_KEPT = 400  # samples that are kept while nobody listens
ALIASES = range(1, 40)


@dataclass(frozen=True)
class Packet:
    """A message at QoS 1: births and data too, since what the broker may drop would not be owed."""

    topic: str
    payload: bytes
    record: Record | None = None  # values that are to be stored of it
    is_farewell: bool = False  # the node leaves after it


@dataclass(frozen=True)
class Sample:
    """Values that were measured: speaker, number, time, places."""

    speaker: int
    number: int
    ts_ms: int
    mask: int


class Edge:
    """The node of a place; its speakers are twice that (the node) and the next number (its device)."""

    def __init__(self, place: int, seed: int) -> None:
        self.place = place
        self.name = asset_key(2 * place)[1]
        self.kept: list[Sample] = []
        self.births = self.deaths = self.rebirths = self.historical = 0
        self.has_device = False
        self._random = random.Random(seed)  # noqa: S311 - same seed, same aliases
        self._bd_seq = -1
        self._seq = 0
        self._numbers = {2 * place: 0, 2 * place + 1: 0}
        self._aliases: dict[int, dict[int, int]] = {}  # speaker -> place -> alias
        self._dealt: dict[int, list[int]] = {}
        self._last_ms = 0

    def topic(self, kind: str, speaker: int = 0) -> str:
        """Topic of a kind of message of the node, or of its device (odd speakers)."""
        return "/".join(["spBv1.0", SPARKPLUG_SITE, kind, self.name, *([DEVICE] if speaker % 2 else [])])

    def will(self) -> Packet:
        """The death that the broker is to tell, of the session that begins now."""
        self._bd_seq = (self._bd_seq + 1) % ROUND
        return Packet(self.topic("NDEATH"), Payload(metrics=[self._session()]).SerializeToString())

    def born(self, now_ms: int) -> list[Packet]:
        """Introduce node and device, with new aliases."""
        self._deal()
        self._seq = 0
        steering = [self._session(), Metric(name=REBIRTH, datatype=BOOLEAN, boolean_value=False)]
        return [self._birth("NBIRTH", 2 * self.place, now_ms, steering), self._device_birth(now_ms)]

    def sample(self, now_ms: int) -> Sample:
        """Measure something."""
        speaker = 2 * self.place + (self._random.random() < 0.5)
        self._numbers[speaker] += 1
        mask = ALL if self._random.random() < WHOLE_SHARE else self._random.randint(1, ALL)
        return Sample(speaker, self._numbers[speaker], self._time(now_ms), mask)

    def keep(self, now_ms: int) -> None:
        """Measure something that nobody can be told now."""
        if len(self.kept) < MOST_KEPT:
            self.kept.append(self.sample(now_ms))

    def next(self, now_ms: int) -> list[Packet]:
        """What to say next: data, most of the time; sometimes the device goes, or comes back with other aliases."""
        chance = self._random.random()
        if not self.has_device and chance < 0.1:
            self._deal()  # of the device only: those of the node hold until its own next birth
            return [self._device_birth(now_ms)]
        if self.has_device and chance < DEVICE_DEATH_SHARE:
            self.has_device = False
            self.deaths += 1
            return [self._numbered("DDEATH", 2 * self.place + 1, self._time(now_ms), [])]
        if chance > 1 - NODE_DEATH_SHARE:
            self.deaths += 1
            goodbye = Payload(timestamp=self._time(now_ms), metrics=[self._session()]).SerializeToString()
            return [Packet(self.topic("NDEATH"), goodbye, is_farewell=True)]
        sample = self.sample(now_ms)
        if sample.speaker % 2 and not self.has_device:
            return []
        return [self._data(sample, sample.ts_ms)]

    def past(self, now_ms: int) -> list[Packet]:
        """What was kept, as historical values under the aliases of today."""
        kept, self.kept = self.kept, []
        self.historical += len(kept)
        return [self._data(sample, self._time(now_ms), historical=True) for sample in kept]

    # -- payloads -------------------------------------------------------------------------------------

    def _time(self, now_ms: int) -> int:
        """A time that no other message of the node has."""
        self._last_ms = max(self._last_ms + 1, now_ms)
        return self._last_ms

    def _deal(self) -> None:
        dealt = self._random.sample(ALIASES, 2 * VALUES)
        self._dealt = {2 * self.place: dealt[:VALUES], 2 * self.place + 1: dealt[VALUES:]}

    def _device_birth(self, now_ms: int) -> Packet:
        self.has_device = True
        return self._birth("DBIRTH", 2 * self.place + 1, now_ms, [])

    def _birth(self, kind: str, speaker: int, now_ms: int, steering: list[Metric]) -> Packet:
        self.births += 1
        self._aliases[speaker] = dict(enumerate(self._dealt[speaker]))
        self._numbers[speaker] += 1
        sample = Sample(speaker, self._numbers[speaker], self._time(now_ms), ALL)
        metrics = [self._metric(sample, place) for place in range(VALUES)]
        for metric, name in zip(metrics, names(), strict=True):
            metric.name = name
            metric.datatype = STRING if name == "state" else DOUBLE
        self._random.shuffle(metrics)
        return _with_record(self._numbered(kind, speaker, sample.ts_ms, [*steering, *metrics]), sample)

    def _data(self, sample: Sample, ts_ms: int, *, historical: bool = False) -> Packet:
        metrics = [self._metric(sample, place) for place in places(sample.mask)]
        if historical:
            for metric in metrics:
                metric.is_historical, metric.timestamp = True, sample.ts_ms
        self._random.shuffle(metrics)
        quality = Quality.HISTORICAL if historical else Quality.GOOD
        kind = "DDATA" if sample.speaker % 2 else "NDATA"
        return _with_record(self._numbered(kind, sample.speaker, ts_ms, metrics), sample, quality)

    def _metric(self, sample: Sample, place: int) -> Metric:
        metric = Metric(alias=self._aliases[sample.speaker][place])
        found = value(sample.speaker, sample.number, place)
        if isinstance(found, str):
            metric.string_value = found
        else:
            metric.double_value = found
        return metric

    def _session(self) -> Metric:
        return Metric(name="bdSeq", datatype=INT64, long_value=self._bd_seq)

    def _numbered(self, kind: str, speaker: int, ts_ms: int, metrics: list[Metric]) -> Packet:
        """A message of the node's sequence; nothing is to be stored of it yet."""
        topic = self.topic(kind, speaker)
        content = Payload(timestamp=ts_ms, seq=self._seq, metrics=metrics).SerializeToString()
        self._seq = (self._seq + 1) % ROUND
        return Packet(topic, content)


def _with_record(packet: Packet, sample: Sample, quality: Quality = Quality.GOOD) -> Packet:
    where = sample.speaker, sample.number, sample.ts_ms, sample.mask
    return replace(packet, record=Record(*where, digest(packet.topic, packet.payload), int(quality)))
