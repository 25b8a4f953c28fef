"""The proxy of the fault harness: what passes, and what does not, on real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from pilot.faults.proxy import Proxy, ProxyLoop
from pilot.ports import LOCALHOST
from tests.support.database import TestDatabase
from tests.support.waiting import wait_until


def echo(listener: socket.socket) -> None:
    """Answer every connection with what it says."""

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    connection.sendall(data)
            except OSError:
                return

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socket.create_server((LOCALHOST, 0)) as listener, ProxyLoop() as loop:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        yield loop.add(LOCALHOST, listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def client(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOCALHOST, proxy.port), timeout=5)


def said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    heard = b""
    while len(heard) < len(text):
        heard += connection.recv(65_536)
    return heard


def test_everything_passes_both_ways_and_ends_pass_too(proxy: Proxy) -> None:
    text = bytes(range(256)) * 4000
    with client(proxy) as connection:
        sender = threading.Thread(target=connection.sendall, args=(text,))
        sender.start()
        heard = b""
        while len(heard) < len(text):
            heard += connection.recv(65_536)
        sender.join()
        assert heard == text
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_a_cut_resets_what_is_there_and_lets_others_in(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"hello") == b"hello"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with client(proxy) as again:
        assert said(again, b"back") == b"back"


def test_refused_until_restored_on_the_same_port(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"hello") == b"hello"
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionRefusedError):
        client(proxy)
    proxy.restore()
    with client(proxy) as again:
        assert said(again, b"back") == b"back"


def test_a_stalled_line_keeps_what_was_said(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"hello") == b"hello"
        proxy.stall()
        connection.sendall(b"later")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.restore()
        connection.settimeout(5)
        assert said(connection, b"") == b""
        assert connection.recv(5) == b"later"


def test_a_slow_line_is_as_slow_as_asked(proxy: Proxy) -> None:
    with client(proxy) as connection:
        said(connection, b"hello")
        proxy.slow(latency_s=0.1, bytes_per_s=1e6)
        began = time.monotonic()
        assert said(connection, b"x" * 50_000) == b"x" * 50_000
        assert time.monotonic() - began >= 0.3  # there and back, and twice 50 kB


@pytest.mark.needs_database
@pytest.mark.parametrize("reaches_server", [True, False])
def test_a_commit_without_an_answer_is_done_or_not_as_asked(database: TestDatabase, reaches_server: bool) -> None:
    place = psycopg.conninfo.conninfo_to_dict(database.url)
    with ProxyLoop() as loop, psycopg.connect(database.url, autocommit=True) as other:
        other.execute("CREATE TABLE done ()")
        line = loop.add(str(place["host"]), int(place["port"] or 0))
        through = psycopg.conninfo.make_conninfo(database.url, host=LOCALHOST, port=line.port, sslmode="disable")
        with closing(psycopg.connect(through)) as connection:
            line.trap_commits([reaches_server])
            connection.execute("INSERT INTO done DEFAULT VALUES")
            with pytest.raises(psycopg.OperationalError):
                connection.commit()
        assert line.trapped == 1
        count = "SELECT count(*) FROM done"
        wait_until(lambda: other.execute(count).fetchone() == (int(reaches_server),), what="the outcome")
