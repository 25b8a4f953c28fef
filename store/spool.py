"""Readings of many series on their way to the computation: rows in any order in, rows of few series at a time out.

Rows lie in the database by time and are wanted by series, and there may be more than memory holds. They are read once;
each goes to the bucket of its series. While they are few they stay in memory, then the buckets become files.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from store.spool_folder import own_folder, written

READINGS = pl.Schema({"series_id": pl.Int32, "ts": pl.Int64, "value": pl.Float64, "quality": pl.Int16})
BUCKETS = 64
_FORM = pl.DataFrame(schema=READINGS).to_arrow().schema


@dataclass(frozen=True)
class Rows:
    """Rows of some buckets: in memory, or in files that stay until the spool is closed. Can be pickled."""

    frames: tuple[pl.DataFrame, ...] = ()
    files: tuple[str, ...] = ()

    def load(self) -> pl.DataFrame:
        """Give the rows in the columns READINGS, sorted by series and time."""
        frames = [*self.frames, *(frame for file in self.files for frame in _of_file(file))]
        if not frames:
            return pl.DataFrame(schema=READINGS)
        return in_order(pl.concat(frames))


@dataclass
class Spool:
    """Takes rows in and gives them back bucket by bucket.

    Args:
        bucket_of: bucket of each series id that will be read.
        buckets: their number.
        in_memory: so many rows stay in memory.
    """

    bucket_of: Mapping[int, int]
    buckets: int
    in_memory: int
    counts: npt.NDArray[np.int64] = field(init=False)
    _buckets: npt.NDArray[np.int16] = field(init=False)
    _held: list[pa.RecordBatch] = field(default_factory=list)
    _held_rows: int = 0
    _writers: list[Any] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _exits: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.buckets, np.int64)
        self._buckets = np.zeros(max(self.bucket_of, default=0) + 1, np.int16)
        self._buckets[list(self.bucket_of)] = list(self.bucket_of.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.clear()
        self._exits.close()

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take rows with the columns series_id, ts, value, quality."""
        for batch in map(_uniform, batches):
            self.counts += np.bincount(self._bucket(batch), minlength=len(self.counts))
            if self._writers:
                with written():
                    self._write(batch)
                continue
            self._held.append(batch)
            self._held_rows += len(batch)
            if self._held_rows > self.in_memory:
                with written():
                    self._open(batch.schema)

    def finish(self) -> None:
        """Write out what is left, before rows are asked for."""
        with written():
            for writer in self._writers:
                writer.close()

    def rows(self, first: int, last: int) -> Rows:
        """Give the rows of the buckets from first to last, both included."""
        if self._files:
            return Rows(files=tuple(self._files[first : last + 1]))
        kept = [batch.filter(pa.array(self._within(batch, first, last))) for batch in self._held]
        return Rows(frames=tuple(_frame(batch) for batch in kept if len(batch)))

    def _within(self, batch: pa.RecordBatch, first: int, last: int) -> npt.NDArray[np.bool_]:
        buckets = self._bucket(batch)
        return (buckets >= first) & (buckets <= last)

    def _bucket(self, batch: pa.RecordBatch) -> npt.NDArray[np.int16]:
        found: npt.NDArray[np.int16] = self._buckets[batch.column("series_id").to_numpy()]
        return found

    def _open(self, schema: pa.Schema) -> None:
        folder = self._exits.enter_context(own_folder())
        self._files = [str(folder / f"{bucket:03d}.arrow") for bucket in range(len(self.counts))]
        self._writers = [pa.ipc.new_stream(file, schema) for file in self._files]
        for batch in self._held:
            self._write(batch)
        self._held.clear()

    def _write(self, batch: pa.RecordBatch) -> None:
        buckets = self._bucket(batch)
        order = np.argsort(buckets, kind="stable")
        placed = batch.take(pa.array(order))
        ends = np.cumsum(np.bincount(buckets, minlength=len(self._writers)))
        for bucket, (begin, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if end > begin:
                self._writers[bucket].write_batch(placed.slice(begin, end - begin))


def _uniform(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows in one form, by whatever way they came: a file takes only batches of one schema."""
    columns = [batch.column(name).cast(dtype) for name, dtype in zip(_FORM.names, _FORM.types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_FORM)


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by series and time; cheap where each series' rows already follow each other in time."""
    ids = rows["series_id"].to_numpy()
    if not len(ids):
        return rows
    ranks = ids - ids.min()
    order = np.argsort(ranks.astype(np.uint16) if ranks.max() < 2**16 else ranks, kind="stable")
    placed = rows[order]
    ids, ts = placed["series_id"].to_numpy(), placed["ts"].to_numpy()
    if np.all((ts[1:] > ts[:-1]) | (ids[1:] != ids[:-1])):
        return placed
    return rows.sort("series_id", "ts")


def _of_file(file: str) -> list[pl.DataFrame]:
    with pa.memory_map(file) as source, pa.ipc.open_stream(source) as reader:
        table = reader.read_all()
    return [_frame(table)] if len(table) else []


def _frame(rows: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(rows))
