"""When the nodes of Sparkplug are read: after the session became ours, and after the sessions of before are empty."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from ingest.decode.result import Decoded
from ingest.leases import Lease
from ingest.message import Message
from ingest.restoring import LONGEST_WAIT_S, Restoring, awaited
from ingest.route import Router
from ingest.session import Session
from ingest.settings import IngestSettings
from ingest.sparkplug.host import Host
from ingest.sparkplug.state import BirthMetric, Life, Node, node_born
from ingest.sparkplug.topics import Place

PLACE = Place("NDATA", "plant", "gw")


def node(meaning: str) -> Node:
    """A node that says `meaning` is its alias 1."""
    return node_born(Node("plant", "gw"), (BirthMetric(meaning, 1, 10),), 1, 0, 1_000_000).node


class Stored:
    """What the database says of nodes, and of sessions that wait to be emptied."""

    def __init__(self) -> None:
        self.tenure = 0
        self.meaning = "temperature"
        self.left: list[str] = []
        self.now_s = 0.0
        self.taken: list[Message] = []
        self.host = Host()
        self.nodes = Restoring(self.host, cast(Session, self), self.read, self.taken.extend, lambda: self.now_s)

    async def sessions_of_before(self) -> list[str]:
        return self.left

    async def read(self) -> list[Node]:
        return [node(self.meaning)]

    def known(self) -> tuple[str, Life]:
        found = self.host.node("plant", "gw")
        assert found is not None
        return found.device("").metrics[0].name, found.device("").life


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    asyncio.run(whole())


def message() -> Message:
    return Message(Router([], Host()).source("spBv1.0/plant/NDATA/gw"), b"", 0, Decoded())


def test_nodes_are_read_again_each_time_the_session_becomes_ours() -> None:
    stored = Stored()

    async def work() -> None:
        stored.tenure = 1
        assert not stored.nodes.is_known
        await stored.nodes.begin()
        assert stored.nodes.is_known
        assert not stored.nodes.must_wait(PLACE)
        stored.meaning = "pressure"  # while somebody else held the session
        stored.tenure = 2
        assert not stored.nodes.is_known
        await stored.nodes.begin()
        assert stored.known() == ("pressure", Life.BORN)

    run(work)


def test_messages_of_nodes_wait_for_births_in_the_sessions_of_before() -> None:
    stored = Stored()

    async def work() -> None:
        stored.tenure, stored.left = 1, ["w"]
        await stored.nodes.begin()
        assert stored.nodes.must_wait(PLACE)
        assert not stored.nodes.must_wait(Place("STATE", "", "host"))
        held = message()
        stored.nodes.wait(held)
        await stored.nodes.step()
        assert stored.taken == []
        stored.meaning, stored.left = "pressure", []  # what the birth said that waited there
        await stored.nodes.step()
        assert stored.taken == [held]
        assert stored.known() == ("pressure", Life.BORN)
        assert not stored.nodes.must_wait(PLACE)

    run(work)


def test_a_session_of_before_that_cannot_be_emptied_costs_the_births_not_the_service() -> None:
    stored = Stored()

    async def work() -> None:
        stored.tenure, stored.left = 1, ["w"]
        await stored.nodes.begin()
        stored.nodes.wait(message())
        stored.now_s = LONGEST_WAIT_S + 1
        await stored.nodes.step()
        assert len(stored.taken) == 1
        assert stored.known() == ("temperature", Life.AWAITED)

    run(work)


def test_who_lost_the_session_in_an_outage_notices_before_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(IngestSettings(database_url="postgresql://127.0.0.1/nowhere", ingest_client_id="w"))
    renewals = iter([True, False])
    monkeypatch.setattr(Lease, "renew", lambda _self, _state: next(renewals))
    monkeypatch.setattr(Lease, "take", lambda _self: None)

    async def work() -> None:
        stopping = asyncio.Event()

        async def pause(_seconds: float) -> None:
            raise AssertionError

        assert await session.hold(pause, stopping)
        assert await session.hold(pause, stopping)
        assert session.tenure == 1, "it was ours all the time"
        assert await session.hold(pause, stopping)
        assert session.tenure == 2, "somebody else had it meanwhile"

    run(work)


def test_dead_nodes_are_not_awaited() -> None:
    born = node("temperature")
    assert awaited([born])[0].device("").life is Life.AWAITED
    assert awaited([Node("plant", "gw")])[0].devices == {}
