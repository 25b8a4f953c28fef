"""What is known of every series ref, as columns indexed by `SeriesRef.index`: the planner looks up a batch at once."""

import numpy as np
import numpy.typing as npt

from ingest.decode.result import Rejection
from ingest.route import SeriesRef
from model.units import Conversion
from model.vocabulary import SeriesKind
from store.raw_registry import SeriesKey, SeriesRow

Floats = npt.NDArray[np.float64]

_COLUMNS: tuple[tuple[str, type[np.generic]], ...] = (
    *(("series_id", np.int32), ("site_id", np.int32), ("scale", np.float64), ("offset", np.float64)),
    *(("is_text", np.bool_), ("refused", np.bool_), ("lead_us", np.int64), ("lag_us", np.int64), ("used", np.int64)),
)


class SeriesTable:
    """Columns of all refs that have a place; `used` is the last batch that a ref had values in."""

    series_id: npt.NDArray[np.int32]
    site_id: npt.NDArray[np.int32]
    scale: Floats
    offset: Floats
    is_text: npt.NDArray[np.bool_]
    refused: npt.NDArray[np.bool_]
    lead_us: npt.NDArray[np.int64]
    lag_us: npt.NDArray[np.int64]
    used: npt.NDArray[np.int64]

    def __init__(self) -> None:
        self.refs: list[SeriesRef] = []
        self.refusals: dict[int, Rejection] = {}
        self.barred: set[tuple[str, int]] = set()  # texts that a series may not bring, of the batch in work
        self._refused: dict[SeriesKey, list[SeriesRef]] = {}
        self._size = 1024
        for name, dtype in _COLUMNS:
            setattr(self, name, np.zeros(self._size, dtype))

    def add(self, ref: SeriesRef) -> None:
        """Give a ref its place."""
        if len(self.refs) == self._size:
            self._size *= 2
            for name, dtype in _COLUMNS:
                column = np.zeros(self._size, dtype)
                column[: len(self.refs)] = getattr(self, name)
                setattr(self, name, column)
        ref.index = len(self.refs)
        self.refs.append(ref)

    def refuse(self, ref: SeriesRef, why: Rejection, series_id: int = 0) -> None:
        """Values of this ref are not stored; `series_id` is the series that they do not fit, if that is why."""
        index = ref.index
        if index not in self.refusals:
            self._refused.setdefault((ref.source.asset_id, ref.name), []).append(ref)
        self.refused[index], self.series_id[index] = True, series_id
        self.refusals[index] = why

    def accept(self, ref: SeriesRef, row: SeriesRow, convert: Conversion) -> None:
        """Values of this ref go to a series."""
        index = ref.index
        self._admit(ref)
        self.series_id[index], self.site_id[index] = row.series_id, ref.source.site_id
        self.scale[index], self.offset[index] = convert.scale, convert.offset
        self.is_text[index] = row.kind == SeriesKind.STATE
        interval_us = row.interval_us or 0 if row.kind == SeriesKind.DELTA else 0
        self.lead_us[index] = interval_us if row.interval_label == "end" else 0
        self.lag_us[index] = interval_us if row.interval_label == "start" else 0

    def displace(self, ref: SeriesRef) -> None:
        """Take a ref's place away: its next value is looked up anew."""
        if ref.index < 0:
            return
        self._admit(ref)
        self.series_id[ref.index] = 0
        ref.index = -1
        ref.source.places.clear()

    def touch(self, refs: npt.NDArray[np.int64], batch: int) -> None:
        """These refs have values in a batch."""
        self.used[refs] = batch

    def bound_to(self, series_ids: list[int]) -> list[SeriesRef]:
        """Refs that one of these series decides about."""
        found = np.flatnonzero(np.isin(self.series_id[: len(self.refs)], series_ids))
        return [self.refs[index] for index in found.tolist()]

    def refused_as(self, key: SeriesKey) -> list[SeriesRef]:
        """Refused refs of an asset and name."""
        return list(self._refused.get(key, ()))

    def refused_for(self, code: str) -> list[SeriesRef]:
        """Refs that were refused for a reason."""
        return [self.refs[index] for index, why in self.refusals.items() if why.code == code]

    def keep_newest(self, count: int) -> None:
        """Forget the refs that had values longest ago; the others move up."""
        size = len(self.refs)
        placed = np.fromiter((ref.index == at for at, ref in enumerate(self.refs)), np.bool_, size)
        by_use = np.argsort(np.where(placed, self.used[:size], -1), kind="stable")
        kept = np.sort(by_use[max(0, size - count) :])
        kept = kept[placed[kept]]
        moved = {int(old): new for new, old in enumerate(kept.tolist())}
        for name, _ in _COLUMNS:
            column = getattr(self, name)
            column[: len(kept)] = column[kept]
            column[len(kept) :] = 0
        for at, ref in enumerate(self.refs):
            if ref.index == at:
                ref.source.places.clear()
                if at in moved:
                    ref.index = moved[at]
                else:
                    ref.index = -1
                    ref.source.drop(ref)
        self.refs = [self.refs[at] for at in kept.tolist()]
        self.refusals = {moved[at]: why for at, why in self.refusals.items() if at in moved}
        self._refused = {}
        for at in self.refusals:
            ref = self.refs[at]
            self._refused.setdefault((ref.source.asset_id, ref.name), []).append(ref)

    def _admit(self, ref: SeriesRef) -> None:
        if self.refusals.pop(ref.index, None) is None:
            return
        self.refused[ref.index] = False
        key = (ref.source.asset_id, ref.name)
        left = [other for other in self._refused.get(key, ()) if other is not ref]
        if left:
            self._refused[key] = left
        else:
            self._refused.pop(key, None)
