"""Names to ids: sites, assets, devices, series, symbols. Looks up what a batch names first, proposes what is new.

Belongs to the writer's thread. Only what is in use is held: the database tells what changed in the registry, so the
cost is that of the change, whatever is registered. What is added is committed before the batch that needs it.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ingest.content import storable
from ingest.decode.result import Rejection
from ingest.limits import Limits
from ingest.message import Message
from ingest.places import Places
from ingest.proposal import admit, conversion_to, proposal, unit_problem
from ingest.route import SeriesRef, Source
from ingest.series_table import SeriesTable
from ingest.symbols import Symbols
from model.units import UnitError
from store import raw_registry, registry_changes
from store.pool import Connection
from store.raw_registry import NewSeries, SeriesKey, SeriesRow, SiteRow

REFRESH_S = 1.0
RETRY_S = 0.2  # when a site is named that nobody knows
LONGEST_GAP_S = 3600.0  # after a longer silence everything is read again; changes are kept for a day
MOST_SERIES_PER_ASSET = 2_000
MOST_REFS = 400_000  # names that are held; of more, those that had no value for the longest time are let go
LONGEST_ASKED = 400  # no registered name is longer
LOOKED_UP = 20_000  # series in one statement


class Resolver:
    """Keeps at hand what the sources in use are in the database, not older than a second."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.table = SeriesTable()
        self.sites: dict[str, SiteRow] = {}
        self.clock = clock
        self._places = Places(self.table)
        self._symbols = Symbols((limits or Limits()).texts_per_series)
        self._connection: Connection | None = None
        self._position = ""
        self._batch = 0
        self._read_at = self._forgot_at = -float("inf")

    @property
    def known_at(self) -> tuple[float, str]:
        """When the registry was looked at last (of the clock, in seconds), and its position in the changes then."""
        return self._read_at, self._position

    def person_key(self, source: Source) -> bytes | None:
        """The key of the pseudonyms of a source's site."""
        site = self.sites.get(source.site)
        return site.person_key if site else None

    # -- what changed ---------------------------------------------------------------------------------

    def refresh(self, connection: Connection, *, at_least_s: float = REFRESH_S) -> None:
        """Learn what changed in the registry, when the last look is older than that; a new connection reads all."""
        age = self.clock() - self._read_at
        if connection is not self._connection or age > LONGEST_GAP_S:
            self._read_all(connection)
        elif age >= at_least_s:
            self._read_changes(connection)
        else:
            return
        connection.commit()
        self._connection = connection
        self._read_at = self.clock()

    def _read_all(self, connection: Connection) -> None:
        position = registry_changes.position(connection)
        self._take_sites(raw_registry.read_sites(connection))
        self._places.look_again()
        refs = [ref for at, ref in enumerate(self.table.refs) if ref.index == at]
        self._bind_again(connection, refs)
        self._position = position

    def _read_changes(self, connection: Connection) -> None:
        changes = registry_changes.since(connection, self._position)
        if changes.sites:
            self._take_sites(raw_registry.read_sites(connection))
        if changes.places:
            self._places.look_again()
        if changes.series:
            self._take_series(connection, list(changes.series))
        self._position = changes.position
        if self.clock() - self._forgot_at > LONGEST_GAP_S:
            registry_changes.forget(connection)
            self._forgot_at = self.clock()

    def _take_sites(self, sites: dict[str, SiteRow]) -> None:
        before, self.sites = self.sites, sites
        if any(key not in sites or sites[key].site_id != site.site_id for key, site in before.items()):
            self._places.look_again()
        self._reconsider()

    def _take_series(self, connection: Connection, ids: list[int]) -> None:
        keys = raw_registry.series_keys(connection, ids)
        refs = dict.fromkeys(self.table.bound_to(ids))
        for key in keys.values():
            refs.update(dict.fromkeys(self.table.refused_as(key)))
        if len(keys) < len(ids):
            self._reconsider()  # some are gone: there is room for others
        self._bind_again(connection, [ref for ref in refs if ref.index >= 0])

    def _reconsider(self) -> None:
        """What was refused for want of room is decided anew with its next value."""
        self._places.reconsider()
        for ref in self.table.refused_for("too_many_series"):
            self.table.displace(ref)

    def _bind_again(self, connection: Connection, refs: Sequence[SeriesRef]) -> None:
        """Look these up again; what is not registered (any more) is looked at anew with its next value."""
        for start in range(0, len(refs), LOOKED_UP):
            part = refs[start : start + LOOKED_UP]
            found = self._find(connection, part)
            for ref in part:
                row = found.get(key_of(ref))
                if row is None:
                    self.table.displace(ref)
                else:
                    self._bind(ref, row)

    # -- what a batch needs ---------------------------------------------------------------------------

    def place_sources(self, connection: Connection, messages: Sequence[Message]) -> None:
        """Make sure that the sources of these messages are known; those of unknown sites stay without ids."""
        if len(self.table.refs) > MOST_REFS:
            self.table.keep_newest(MOST_REFS * 3 // 4)
        self.table.barred = set()
        self.refresh(connection)
        wanted = self._places.unknown(messages)
        if any(source.site not in self.sites for source in wanted):
            self.refresh(connection, at_least_s=RETRY_S)
            wanted = self._places.unknown(messages)
        if wanted:
            self._places.place(connection, wanted, self.sites, messages)

    def register(self, connection: Connection, refs: Iterable[SeriesRef]) -> None:
        """Look up new series, and propose those that nobody registered."""
        refs = list(refs)
        found = self._find(connection, refs)
        refused: dict[SeriesRef, Rejection] = {}
        missing: dict[SeriesKey, NewSeries] = {}
        for ref in refs:
            if key_of(ref) not in found:
                row = proposal(ref)
                if isinstance(row, Rejection):
                    refused[ref] = row
                else:
                    missing.setdefault(key_of(ref), row)
        over = self._add(connection, missing, found) if missing else {}
        connection.commit()
        for ref in refs:
            self.table.add(ref)
            series = found.get(key_of(ref))
            if series is not None:
                self._bind(ref, series)
            else:
                self.table.refuse(ref, refused.get(ref) or over[key_of(ref)])

    def bars_texts(self, connection: Connection, texts: Iterable[tuple[str, int]]) -> bool:
        """Register texts of states, each with its series; true when some are barred: plan the batch anew."""
        self.table.barred = self._symbols.add(connection, texts)
        return bool(self.table.barred)

    def note_use(self, refs: npt.NDArray[np.int64]) -> None:
        """These refs had values in the batch in work: they are let go last."""
        self._batch += 1
        self.table.touch(refs, self._batch)

    def _find(self, connection: Connection, refs: Iterable[SeriesRef]) -> dict[SeriesKey, SeriesRow]:
        keys = dict.fromkeys(key_of(ref) for ref in refs if is_askable(ref.name))
        return raw_registry.find_series(connection, keys.keys()) if keys else {}

    def _add(
        self, connection: Connection, missing: dict[SeriesKey, NewSeries], found: dict[SeriesKey, SeriesRow]
    ) -> dict[SeriesKey, Rejection]:
        """Register series, adding them to `found`; returns those that there is no room for."""
        site_ids = {row.site_id for row in missing.values()}
        raw_registry.lock_sites(connection, site_ids)
        found.update(raw_registry.find_series(connection, missing.keys()))  # another worker was faster
        rest = {key: row for key, row in missing.items() if key not in found}
        limited = [site for site in self.sites.values() if site.most_series is not None and site.site_id in site_ids]
        admitted, over = admit(
            rest,
            raw_registry.count_series_of_assets(connection, {row.asset_id for row in rest.values()}),
            raw_registry.count_series_of_sites(connection, {site.site_id for site in limited}) if limited else {},
            limited,
            MOST_SERIES_PER_ASSET,
        )
        if admitted:
            raw_registry.add_series(connection, admitted)
            found.update(raw_registry.find_series(connection, [(row.asset_id, row.name) for row in admitted]))
        return over

    def _bind(self, ref: SeriesRef, row: SeriesRow) -> None:
        try:
            self.table.accept(ref, row, conversion_to(ref, row))
        except UnitError as error:
            self.table.refuse(ref, unit_problem(ref, error), row.series_id)


def key_of(ref: SeriesRef) -> SeriesKey:
    """What a ref is registered as."""
    return ref.source.asset_id, ref.name


def is_askable(name: str) -> bool:
    """Whether the database can be asked for a name."""
    return len(name) <= LONGEST_ASKED and storable(name) == name
