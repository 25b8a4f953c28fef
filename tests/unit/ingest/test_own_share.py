"""Slots that share out the topics themselves: what arrives for another one is acknowledged in its turn, unread."""

import asyncio
from typing import Any, cast

from ingest.arrivals import Arrivals
from ingest.connection import BrokerConnection
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.quota import SiteQuotas
from ingest.route import Router
from ingest.session import Session
from ingest.settings import read_settings
from ingest.sparkplug.state import Node

SLOTS = 3
MESSAGES = 60


class Connection:
    """A connection as far as messages that arrive need it."""

    is_paused = False


async def no_nodes() -> list[Node]:
    return []


async def arrived(slot: int, *, sharing: str = "own") -> list[Message]:
    """What a slot takes of messages of many devices, a status among them, that all slots receive."""
    settings = read_settings(
        database_url="postgresql://nobody@127.0.0.1/none",
        ingest_slot=slot,
        ingest_slots=SLOTS,
        ingest_sharing=sharing,
    )
    session = Session(settings)
    session.overlaps = slot == 1
    arrivals = Arrivals(settings, Router(), SiteQuotas(), (session, no_nodes), Metrics())
    arrivals.connection = connection = cast(BrokerConnection, Connection())
    for number in range(MESSAGES):
        topic = f"haidang/v1/plant/hall/m{number % 20}/{'data' if number % 9 else 'status'}"
        payload = b'{"ts": 1795334367000, "values": {"power_kw": 5}}' if number % 9 else b"online"
        arrivals.receive(topic.encode(), payload, number + 1, False, connection)  # noqa: FBT003 - as the connection does
    arrivals.close_batch()
    taken: Any = await arrivals.next_batch(asyncio.Event())
    return list(taken)


def test_each_message_is_read_by_one_slot_and_acknowledged_by_all_in_order() -> None:
    slots = [asyncio.run(arrived(slot)) for slot in range(SLOTS)]
    assert all([message.packet_id for message in taken] == list(range(1, MESSAGES + 1)) for taken in slots)
    read = [{message.packet_id for message in taken if not message.only_acknowledge} for taken in slots]
    assert sorted(number for one in read for number in one) == list(range(1, MESSAGES + 1))
    assert all(one for one in read)
    own = [message for taken in slots for message in taken if not message.only_acknowledge]
    assert all(message.decoded.online or message.decoded.count for message in own)
    assert not any(message.payload for taken in slots for message in taken if message.only_acknowledge)


def test_a_message_that_may_be_in_a_session_of_before_is_marked() -> None:
    first, second = (asyncio.run(arrived(slot)) for slot in (0, 1))
    assert not any(message.may_repeat for message in first)
    assert all(message.may_repeat for message in second if not message.only_acknowledge)


def test_what_the_broker_shares_out_is_all_read() -> None:
    assert not any(message.only_acknowledge for message in asyncio.run(arrived(0, sharing="broker")))


async def _comes_while_ending() -> tuple[bool, int, Any]:
    """A batch is waited for; the end is asked for and a last message comes before nothing more does."""
    session = Session(settings := read_settings(database_url="postgresql://nobody@127.0.0.1/none"))
    arrivals = Arrivals(settings, Router(), SiteQuotas(), (session, no_nodes), Metrics())
    arrivals.connection = connection = cast(BrokerConnection, Connection())
    all_came = asyncio.Event()
    following = asyncio.create_task(arrivals.next_batch(all_came))
    await asyncio.sleep(0)
    arrivals.wake.set()
    await asyncio.sleep(0)
    was_waiting = not following.done()
    arrivals.receive(b"haidang/v1/plant/hall/m1/status", b"online", 0, False, connection)  # noqa: FBT003 - as above
    arrivals.close_batch()
    all_came.set()
    arrivals.wake.set()
    return was_waiting, len(await following or []), await arrivals.next_batch(all_came)


def test_what_comes_while_ingest_says_goodbye_is_stored_before_the_end() -> None:
    assert asyncio.run(_comes_while_ending()) == (True, 1, None)
