"""Sources to sites, assets and devices: what a batch is the first to hear from is registered at once."""

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ingest.decode.result import Rejection
from ingest.message import Message
from ingest.proposal import over_series
from ingest.route import Source
from ingest.series_table import SeriesTable
from store import raw_registry
from store.pool import Connection
from store.raw_registry import PlaceRow, SiteRow

FULL_FOR_S = 10.0  # a site that has no room for devices is not counted again before that


class Places:
    """Gives sources their ids. Those that were placed before the last `look_again` are looked up once more."""

    def __init__(self, table: SeriesTable, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._clock = clock
        self._round = 1
        self._full: dict[int, float] = {}

    def look_again(self) -> None:
        """Assets or devices went away or changed their keys: every source is looked up with its next message."""
        self._round += 1

    def reconsider(self) -> None:
        """Sites may have room for devices again."""
        self._full.clear()

    def unknown(self, messages: Sequence[Message]) -> dict[Source, Message]:
        """Sources that are not placed, each with a message of it, a good one if there is one."""
        found: dict[Source, Message] = {}
        current = self._round
        sources = dict.fromkeys([message.source for message in messages])  # far fewer than messages
        if all(source.placed == current or not source.site for source in sources):
            return found
        for message in messages:
            source = message.source
            if source.placed == current or not source.site:
                continue
            # A source that only ever sent rubbish is no device, but its site may see the rubbish.
            if source not in found or found[source].decoded.whole is not None:
                found[source] = message
        return found

    def place(
        self,
        connection: Connection,
        wanted: Mapping[Source, Message],
        sites: Mapping[str, SiteRow],
        messages: Sequence[Message],
    ) -> None:
        """Fill in the ids of these sources; new ones that sent something good are registered and committed."""
        for source in wanted:
            if source.site not in sites:
                self._assign(source, 0, 0, 0)
        rows = {source: _row(source, message, sites) for source, message in wanted.items() if source.site in sites}
        ids = self._find(connection, rows)
        new = {
            source: rows[source]
            for source, (asset_id, device_id) in ids.items()
            if not (asset_id and device_id) and wanted[source].decoded.whole is None
        }
        if new:
            over = self._register(connection, new, sites)
            ids.update(self._find(connection, {source: row for source, row in new.items() if source not in over}))
            connection.commit()
            if over:
                _refuse(messages, over)
        for source, (asset_id, device_id) in ids.items():
            self._assign(source, rows[source].site_id, asset_id, device_id)

    def _find(self, connection: Connection, rows: Mapping[Source, PlaceRow]) -> dict[Source, tuple[int, int]]:
        if not rows:
            return {}
        return dict(zip(rows, raw_registry.find_places(connection, list(rows.values())), strict=True))

    def _register(
        self, connection: Connection, new: Mapping[Source, PlaceRow], sites: Mapping[str, SiteRow]
    ) -> dict[Source, Rejection]:
        """Register devices and their assets; returns those that their site's quota has no room for."""
        now = self._clock()
        self._full = {site_id: until for site_id, until in self._full.items() if until > now}
        open_ = {source: row for source, row in new.items() if row.site_id not in self._full}
        limited = {row.site_id for source, row in open_.items() if sites[source.site].most_series is not None}
        if open_:
            raw_registry.lock_sites(connection, {row.site_id for row in open_.values()})
        counts = raw_registry.count_devices(connection, limited) if limited else {}
        admitted: list[PlaceRow] = []
        over: dict[Source, Rejection] = {}
        for source, row in new.items():
            site = sites[source.site]
            count = counts.get(row.site_id, 0)
            if row.site_id in self._full or (site.most_series is not None and count >= site.most_series):
                self._full.setdefault(row.site_id, now + FULL_FOR_S)
                over[source] = over_series(site, 0)
            else:
                counts[row.site_id] = count + 1
                admitted.append(row)
        if admitted:
            raw_registry.add_places(connection, admitted)
        return over

    def _assign(self, source: Source, site_id: int, asset_id: int, device_id: int) -> None:
        if source.asset_id and source.asset_id != asset_id:
            for ref in list(source.refs.values()):  # another thread adds to them
                self._table.displace(ref)
            source.forget()
        source.site_id, source.asset_id, source.device_id = site_id, asset_id, device_id
        source.placed = self._round if asset_id and device_id else 0


def _row(source: Source, message: Message, sites: Mapping[str, SiteRow]) -> PlaceRow:
    site_id = sites[source.site].site_id
    return PlaceRow(site_id, source.asset, source.device, source.protocol, message.received_us)


def _refuse(messages: Sequence[Message], over: Mapping[Source, Rejection]) -> None:
    """Nothing of a device that has no room is stored; a site has at most as many devices as series."""
    for message in messages:
        why = over.get(message.source)
        if why is not None and message.decoded.whole is None:
            message.decoded = msgspec.structs.replace(
                message.decoded, whole=why, values=[], rows=[], events=[], rejected=[]
            )
