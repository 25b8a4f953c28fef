"""The registry at scale: what is new is registered at once, by several workers; what changes is learned alone."""

import random
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ingest.columns import flatten
from store import raw_registry
from tests.integration.ingest.registry import Registry, Worker, registry_of
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
COUNT = "SELECT count(*)::int FROM reading"


@pytest.fixture
def registry(database: TestDatabase) -> Iterator[Registry]:
    with registry_of(database) as made:
        yield made


def test_a_storm_of_new_series_is_registered_in_a_few_statements(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = registry.worker()
    values = {f"m{n}_kw": 1.0 for n in range(5)}
    storm = [worker.message(f"a/hall{n % 20}/line{n % 200}/unit{n}", values) for n in range(2_000)]
    storm.insert(1_000, worker.message("b/x", {"power_kw": 1.0, "bad name": 2.0}))
    statements = []
    execute = psycopg.Connection.execute

    def counted(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        statements.append(query)
        return execute(self, query, *arguments, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    worker.writer.write(storm)
    assert len(statements) < 60
    assert registry.rows("SELECT count(*)::int FROM series") == [(10_001,)]
    assert registry.rows("SELECT count(*)::int FROM asset") == [(2_000 + 200 + 20 + 1 + 2,)]
    assert registry.rows(COUNT) == [(10_001,)]
    assert registry.rows("SELECT reason FROM rejected_message") == [("bad_name",)]


def test_workers_register_the_same_things_at_the_same_moment(registry: Registry) -> None:
    workers = [registry.worker() for _ in range(4)]
    for worker in workers:
        worker.writer.open()
    start = threading.Barrier(len(workers))
    failures: list[BaseException] = []

    def work(worker: Worker, number: int) -> None:
        order = random.Random(number)  # noqa: S311 - a seed is wanted
        try:
            for step in range(4):
                messages = [
                    worker.message(f"a/line{n}/unit{step}", {f"v{m}": 1.0 for m in range(6)}, number) for n in range(40)
                ]
                order.shuffle(messages)
                start.wait(20)
                worker.writer.write(messages)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(worker, number)) for number, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert registry.rows("SELECT count(*)::int FROM series") == [(4 * 40 * 6,)]
    assert registry.rows("SELECT count(*)::int FROM device") == [(4 * 40,)]
    assert registry.rows(COUNT) == [(4 * 4 * 40 * 6,)]


def test_a_change_that_is_committed_late_is_not_passed_over(registry: Registry) -> None:
    worker = registry.worker()
    worker.send("a/m", {"power_kw": 1.0})
    with psycopg.connect(registry.database.url) as late:
        late.execute("UPDATE series SET unit = 'W' WHERE name = 'power_kw'")
        registry.run("INSERT INTO site (key, name, timezone) VALUES ('c', 'C', 'UTC')")
        worker.look_again()
        worker.send("c/m", {"power_kw": 1.0})
        worker.send("a/m", {"power_kw": 1.0}, 1)
    worker.look_again()
    worker.send("a/m", {"power_kw": 1.0}, 2)
    assert registry.rows("SELECT value FROM reading JOIN series USING (series_id) WHERE unit = 'W' ORDER BY ts") == [
        (1.0,),
        (1.0,),
        (1000.0,),
    ]


def test_only_what_changed_is_looked_up_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = registry.worker()
    worker.writer.write([worker.message(f"a/m{n}", {"power_kw": 1.0, "x": 1.0}) for n in range(50)])
    worker.look_again()
    worker.send("a/m0", {"x": 1.0}, 1)  # learns of its own additions
    # As a copy of another server brings it along: the same change would be news with every look.
    registry.run(
        "INSERT INTO registry_change (xid, site_id, kind, id) "
        "SELECT '90000000', site_id, 'series', series_id FROM series"
    )
    asked: list[int] = []
    find = raw_registry.find_series

    def counted(connection: Any, keys: Any) -> Any:
        asked.append(len(keys))
        return find(connection, keys)

    monkeypatch.setattr(raw_registry, "find_series", counted)
    worker.look_again()
    worker.send("a/m0", {"x": 1.0}, 2)
    assert asked == []
    registry.run(
        "UPDATE series SET unit = 'W' WHERE series_id IN (SELECT series_id FROM series WHERE name = 'power_kw' LIMIT 3)"
    )
    worker.look_again()
    worker.send("a/m0", {"x": 1.0}, 3)
    assert asked == [3]


# -- incremental = full -------------------------------------------------------------------------------

OF_ALL = "(SELECT series_id FROM series ORDER BY md5(series_id::text || {seed}) LIMIT 2)"
CHANGES = (
    "UPDATE series SET unit = 'W', quantity = 'active_power' WHERE series_id IN " + OF_ALL,
    "UPDATE series SET unit = 'kW', quantity = 'active_power', kind = 'gauge' WHERE series_id IN " + OF_ALL,
    "UPDATE series SET kind = 'state', unit = '', quantity = 'state' WHERE series_id IN " + OF_ALL,
    "UPDATE series SET status = 'retired' WHERE series_id IN " + OF_ALL,
    "DELETE FROM series WHERE series_id IN " + OF_ALL,
    "UPDATE series SET name = name || {seed} WHERE series_id IN " + OF_ALL,
    "UPDATE asset SET key = key || 'x' || {seed} WHERE asset_id = (SELECT max(asset_id) FROM asset)",
    "UPDATE device SET key = key || 'x' || {seed} WHERE device_id = (SELECT max(device_id) FROM device)",
    "UPDATE site SET most_series = 6 WHERE key = 'a'",
    "UPDATE site SET most_series = NULL WHERE key = 'a'",
    "UPDATE site SET key = CASE key WHEN 'b' THEN 'c' ELSE 'b' END WHERE key IN ('b', 'c')",
)
NAMES = ("power_kw", "state", "x", "y", "bad name")


def resolved(worker: Worker, messages: list[Any]) -> list[Any]:
    """What a worker knows of each value of a batch, registering what is new."""
    resolver = worker.writer.planner.resolver

    def look(connection: Any) -> Any:
        resolver.place_sources(connection, messages)
        columns = flatten(messages)
        if columns.new:
            resolver.register(connection, columns.new)
        return flatten(messages)

    columns, table = worker.writer.run(look), resolver.table
    ref = columns.ref
    columns_of = (table.series_id, table.site_id, table.scale, table.is_text)
    known = list(zip(*(column[ref].tolist() for column in columns_of), strict=True))
    refused = table.refused[ref].tolist()
    codes = [table.refusals[index].code if no else "" for index, no in zip(ref.tolist(), refused, strict=True)]
    places = [(m.source.site_id, m.source.asset_id, m.source.device_id) for m in messages]
    return [places, codes, [row if not no else None for row, no in zip(known, refused, strict=True)]]


@pytest.mark.parametrize("seed", range(3))
def test_what_a_worker_learns_of_changes_is_what_it_would_read_anew(registry: Registry, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed is wanted
    lasting, other = registry.worker(), registry.worker()
    for step in range(25):
        if step:
            registry.run(chance.choice(CHANGES).replace("{seed}", str(chance.randrange(1000))))
        batch = [(f"{chance.choice('abc')}/m{chance.randrange(3)}", chance.sample(NAMES, 3)) for _ in range(4)]

        def messages(worker: Worker, batch: Any = batch, step: int = step) -> list[Any]:
            return [
                worker.message(topic, {name: "RUN" if name == "state" else 1.0 for name in names}, step)
                for topic, names in batch
            ]

        if chance.random() < 0.5:
            resolved(other, messages(other))
        lasting.look_again()
        fresh = registry.worker()
        assert resolved(lasting, messages(lasting)) == resolved(fresh, messages(fresh)), step
        fresh.writer.close()
        other.look_again()
