"""Texts of states to symbol numbers: registers new ones, and bounds how many texts one series may bring."""

from collections.abc import Iterable

from ingest.recent import Recent
from model.vocabulary import symbol_id
from store import raw_registry
from store.pool import Connection

MOST_SYMBOLS = 400_000  # numbers that are remembered as registered


class Symbols:
    """Belongs to the writer's thread. A text that is registered already costs nothing, whoever says it."""

    def __init__(self, most_per_series: int) -> None:
        self._most = most_per_series
        self._known: Recent[int, int] = Recent(MOST_SYMBOLS)

    def add(self, connection: Connection, texts: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Register texts, each with a series that says it; returns those that their series may no longer bring."""
        said = {pair: symbol_id(pair[0]) for pair in texts}
        unknown = {pair: number for pair, number in said.items() if number not in self._known}
        if not unknown:
            return set()
        known = raw_registry.known_symbols(connection, set(unknown.values()))
        new = {pair: number for pair, number in unknown.items() if number not in known}
        added = self._choose(connection, new) if new else {}
        if added:
            raw_registry.add_symbols(connection, added)
            connection.commit()
        known.update(added)
        for number in known:
            self._known.put(number, number)
        return {pair for pair, number in new.items() if number not in known}

    def _choose(self, connection: Connection, new: dict[tuple[str, int], int]) -> dict[int, tuple[str, int]]:
        """The texts for which one of their series has room."""
        brought = raw_registry.count_symbols(connection, {series_id for _, series_id in new})
        chosen: dict[int, tuple[str, int]] = {}
        for pair, number in sorted(new.items()):
            count = brought.get(pair[1], 0)
            if number not in chosen and count < self._most:
                chosen[number] = pair
                brought[pair[1]] = count + 1
        return chosen
