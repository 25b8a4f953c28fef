"""Messages of the current connection in, batches of decoded ones out; knows what is held and keeps it bounded.

Unacknowledged messages belong to the broker: what is dropped here comes again. Belongs to the event loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain

import structlog

from ingest import intake
from ingest.batch import Batcher, take_joined
from ingest.connection import BrokerConnection
from ingest.decode.compression import FIRST_BYTES
from ingest.decode.result import Decoded, Rejection
from ingest.message import Message, measured
from ingest.metrics import Metrics
from ingest.quota import SiteQuotas
from ingest.restoring import Read, Restoring
from ingest.route import Router, Source
from ingest.session import Session
from ingest.settings import IngestSettings
from ingest.sparkplug import packets

LOW_WATER = 0.7  # of the bound: reading goes on below it
JOINED_SHARE = 1 / 3  # of the window at most in one transaction: another is planned meanwhile, and the broker sends
_NOTHING = Decoded()
_NOBODY = Source(topic="", decode=lambda _payload: _NOTHING)  # of what another slot reads

log = structlog.get_logger("ingest")


class Arrivals:
    """Between the broker's connection and the store."""

    def __init__(
        self,
        settings: IngestSettings,
        router: Router,
        quotas: SiteQuotas,
        nodes: tuple[Session, Read],
        metrics: Metrics,
    ) -> None:
        self._slot = settings.slot
        self._session = nodes[0]
        self._router = router
        self._quotas = quotas
        self.metrics = metrics
        self._payload_bytes = settings.ingest_payload_bytes  # here, since they are asked for with every message
        self._full_messages, self._full_bytes = settings.ingest_held_messages, settings.ingest_held_bytes
        self._batch_age_s = settings.ingest_batch_age_s
        self._most_joined = settings.ingest_receive_maximum * JOINED_SHARE
        self._batcher = Batcher(settings.ingest_batch_values)
        self._ready: deque[list[Message]] = deque()
        self._kept: list[Message] = []  # of an outage: to be taken in again
        self._timer: asyncio.TimerHandle | None = None
        self.wake = asyncio.Event()  # a batch is ready, or nothing more comes
        self.connection: BrokerConnection | None = None
        self.host = router.host
        self.nodes = Restoring(router.host, *nodes, self._take_waiting) if router.host else None
        self.held = self.most_held = 0
        self._held_bytes = 0
        self.served_at = time.monotonic()  # until then, whatever came was stored or nothing came

    # -- in -------------------------------------------------------------------------------------------

    def receive(self, topic: bytes, payload: bytes, packet_id: int, dup: bool, connection: BrokerConnection) -> None:
        """Take a message of the current connection: decode it and put it into the batch."""
        if connection is not self.connection:
            return  # of a connection that was given up: the broker sends it again
        if self._slot.is_own and not self._slot.must_read(topic, knows_nodes=self.host is not None):
            self._pass_over(packet_id, connection)
            return
        source = self._router.source(topic.decode("utf-8", "replace"))
        size = len(payload)
        message = Message(source, payload, time.time_ns() // 1000, _NOTHING, dup, packet_id, connection, size)
        message.copied = self._session.overlaps
        is_plain = size <= self._payload_bytes and payload[:1] not in FIRST_BYTES
        if is_plain and source.place is None and not self._quotas.active:
            message.decoded = intake.decode(source, payload, message.received_us)
            self._hold(message)
        else:
            self._take(message)
        self._pause_when_full(connection)

    def _pause_when_full(self, connection: BrokerConnection) -> None:
        if (self.held >= self._full_messages or self._held_bytes >= self._full_bytes) and not connection.is_paused:
            connection.pause()

    def _pass_over(self, packet_id: int, connection: BrokerConnection) -> None:
        """Let go of a message that another slot reads: acknowledged in its turn, in no account."""
        if packet_id:
            message = Message(_NOBODY, b"", 0, _NOTHING, packet_id=packet_id, connection=connection)
            message.only_acknowledge = True
            self._hold(message)
            self._pause_when_full(connection)

    def _take(self, message: Message) -> None:
        """Take a message that may be compressed, too large, over a quota or of a Sparkplug node."""
        source = message.source
        over = self._over_quota(source) if self._quotas.active else None
        opened = intake.opened(message.payload, self._payload_bytes) if over is None else message.payload
        if not isinstance(opened, Rejection):
            message.weight = len(opened)
        if over is not None:
            message.decoded = self._unread(message, over)
            self._hold(message)
        elif source.place is None or self.host is None or isinstance(opened, Rejection):
            message.decoded = intake.decode(source, opened, message.received_us)
            self._hold(message)
        elif self.nodes is not None and self.nodes.must_wait(source.place):
            self._let_wait(message)
        else:
            self._hold(*packets.messages(self.host, message, opened))
            self.say(message.connection)

    def _over_quota(self, source: Source) -> Decoded | None:
        """The refusal of a message that its site's quota has no room for; other workers' nodes are their business."""
        place = source.place
        if place is not None and self.host is not None and not self.host.is_mine(f"{place.group}/{place.node}"):
            return None
        return self._quotas.refusal(source)

    def _unread(self, message: Message, refusal: Decoded) -> Decoded:
        """The refusal of a message over its quota; its number is looked at, so that it is not missing as well."""
        place = message.source.place
        if place is None or self.host is None:
            return intake.unread(message.source, message.payload, self._payload_bytes, refusal)
        opened = intake.opened(message.payload, self._payload_bytes)
        if isinstance(opened, Rejection) or (self.nodes is not None and self.nodes.must_wait(place)):
            return refusal
        return packets.unread(self.host, message, opened, refusal)

    def say(self, connection: BrokerConnection) -> None:
        """Publish what the host has to say."""
        if self.host is not None and self.host.outgoing:
            for outgoing in self.host.outgoing:
                connection.say(outgoing)
                log.info("sparkplug_said", topic=outgoing.topic)
            self.host.outgoing.clear()

    def _let_wait(self, message: Message) -> None:
        """Keep a node's message until the sessions of before are empty; it may be in one of them as well."""
        assert self.nodes is not None  # noqa: S101 - who asks knows that it waits
        message.dup = True
        self.nodes.wait(message)
        message.weight += measured(message.decoded)[1]
        self.held += 1
        self._held_bytes += message.weight

    def _hold(self, *parts: Message) -> None:
        """Put the messages of one packet into the batch: into one, so that they are stored together."""
        is_full = False
        for message in parts:
            if self._quotas.active and not message.only_acknowledge:
                self._quotas.spend(message)
            values, size = measured(message.decoded)
            message.weight += size
            self.held += 1
            self._held_bytes += message.weight
            is_full = self._batcher.add(message, values)
        if is_full:
            self.close_batch()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batch_age_s, self.close_batch)

    def close_batch(self) -> None:
        """Have what came so far stored."""
        self._stop_timer()
        self.most_held = max(self.most_held, self.held)
        if len(self._batcher):
            self._ready.append(self._batcher.take())
            self.wake.set()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- out ------------------------------------------------------------------------------------------

    async def next_batch(self, all_came: asyncio.Event) -> list[Message] | None:
        """Wait for what is to be stored next; null when nothing is left and nothing more comes."""
        while not self._ready:
            if all_came.is_set() and not len(self._batcher):
                return None
            self.wake.clear()
            await self.wake.wait()
        return take_joined(self._ready, self._most_joined)

    def release(self, messages: Sequence[Message]) -> None:
        """Acknowledge what is committed, in order, and let go of it."""
        if not messages:
            return
        current = self.connection
        if current is not None:
            current.acknowledge([m.packet_id for m in messages if m.packet_id and m.connection is current])
        self._let_go(messages)
        self.metrics.held.set(self.held)
        self.served_at = time.monotonic()

    def forgive_absence(self) -> None:
        """What came while nobody was connected comes now: sites may send it beside their quotas."""
        self._quotas.forgive(time.monotonic() - self.served_at)

    @property
    def is_low(self) -> bool:
        """Whether there is room for more again."""
        return self.held < self._full_messages * LOW_WATER and self._held_bytes < self._full_bytes * LOW_WATER

    def drop(self, in_work: Iterable[Sequence[Message]]) -> None:
        """Forget what is held: none of it is acknowledged. What the broker may not send again is kept aside."""
        self._stop_timer()
        if self.nodes is not None:
            self.nodes.drop()
        held = chain(*in_work, *self._ready, self._batcher.take())
        self._kept += filter(packets.is_kept, held)
        self._ready.clear()
        self.held = self._held_bytes = 0
        self.metrics.held.set(0)

    # -- of Sparkplug nodes ---------------------------------------------------------------------------

    def take_in_kept(self) -> None:
        """Take in again what an outage left here."""
        kept, self._kept = self._kept, []
        self._take_in([packets.again(message) for message in kept])

    def forget_kept(self, stored: Sequence[Message]) -> None:
        """Of what an outage left here these were stored after all."""
        those = set(map(id, stored))
        self._kept = [message for message in self._kept if id(message) not in those]

    def forget_waiting(self) -> None:
        """Let go of what waits for sessions of before: the broker sends it again."""
        if self.nodes is not None:
            self._let_go(self.nodes.drop())

    def _take_waiting(self, messages: list[Message]) -> None:
        self._let_go(messages)
        for message in messages:
            message.weight -= measured(message.decoded)[1]  # counted again with what is in it
        self._take_in(messages)

    def _take_in(self, messages: list[Message]) -> None:
        for message in messages:
            opened = intake.opened(message.payload, self._payload_bytes)
            if self.host is not None and not isinstance(opened, Rejection):
                self._hold(*packets.messages(self.host, message, opened))

    def _let_go(self, messages: Sequence[Message]) -> None:
        self.held -= len(messages)
        self._held_bytes -= sum(message.weight for message in messages)
