"""Frames as Parquet, the same bytes for the same rows, and back; what is read is not trusted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from maturity.errors import PackageError
from maturity.package.compact import TEXT, compacted

MOST_ROWS = 50_000_000
MOST_BYTES = 2**31  # of one table, unpacked


def to_parquet(frame: pl.DataFrame) -> bytes:
    """Write a frame: one row group, fixed encodings, nothing about when and where."""
    texts = [name for name, dtype in frame.schema.items() if dtype in (pl.String, pl.Categorical)]
    numbers = {name: "DELTA_BINARY_PACKED" for name, dtype in frame.schema.items() if dtype == pl.Int64}
    sink = pa.BufferOutputStream()
    pq.write_table(
        frame.to_arrow(compat_level=pl.CompatLevel.oldest()),
        sink,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=texts,
        column_encoding=numbers or None,
        write_statistics=False,
        row_group_size=max(1, len(frame)),
        store_schema=False,
    )
    return bytes(sink.getvalue())


def from_parquet(data: bytes, name: str, schema: pl.Schema) -> pl.DataFrame:
    """Read a frame.

    Args:
        data: content of the member.
        name: of the member, for the sentence that refuses it.
        schema: its columns; others are not read, and a missing one is refused.

    Raises:
        PackageError: it is no such table, or unpacks to too much.
    """
    table = _read(data, name, schema.names())
    try:
        frame = pl.DataFrame(pl.from_arrow(table))
        return frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise PackageError(f"{name} does not have the columns that it should have.") from error


def compact_from_parquet(data: bytes, name: str, schema: pl.Schema) -> pl.DataFrame:
    """Read a frame as `from_parquet` does, with its texts numbered (compact.compacted); a column after the other.

    Raises:
        PackageError: it is no such table, or unpacks to too much.
    """
    columns = [_compact_column(data, name, column, dtype) for column, dtype in schema.items()]
    if len({len(column) for column in columns}) > 1:
        raise PackageError(f"{name} has columns that are not of the same length.")
    return pl.concat(columns, how="horizontal")


def _compact_column(data: bytes, name: str, column: str, dtype: pl.DataType) -> pl.DataFrame:
    table = _read(data, name, [column], [column] if dtype == pl.String else [])
    try:
        frame = pl.DataFrame(pl.from_arrow(table))
        if dtype == pl.String and frame.schema[column] == TEXT:
            return frame
        return compacted(frame.select(pl.col(column).cast(dtype)))
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise PackageError(f"{name} does not have the columns that it should have.") from error


def readings_from_parquet(data: bytes, name: str, ids: dict[str, int]) -> pl.DataFrame:
    """Read rows (series_key, ts, value, quality) as rows of kpi.frames.READINGS; the keys become numbers.

    Raises:
        PackageError: it is no such table, or names a series that the package does not list.
    """
    table = _read(data, name, ["series_key", "ts", "value", "quality"], ["series_key"])
    keys = table.column("series_key").unify_dictionaries().combine_chunks()
    keys = keys.chunk(0) if isinstance(keys, pa.ChunkedArray) else keys
    if keys.null_count:
        raise PackageError(f"{name} has rows of no series.")
    named = keys.dictionary.to_pylist()
    if unknown := [key for key in named if key not in ids]:
        raise PackageError(f"{name} has rows of {unknown[0]}, which is not among the series of the package.")
    numbers = np.array([ids[key] for key in named], np.int32)
    rows = pl.DataFrame(pl.from_arrow(table.drop_columns(["series_key"])))
    series = pl.Series("series_id", numbers[keys.indices.to_numpy()] if len(named) else numbers, dtype=pl.Int32)
    try:
        return rows.select(series, pl.col("ts").cast(pl.Int64), pl.col("value").cast(pl.Float64), _quality())
    except pl.exceptions.PolarsError as error:
        raise PackageError(f"{name} does not have the columns that it should have.") from error


def _quality() -> pl.Expr:
    return pl.col("quality").cast(pl.Int16)


def _read(data: bytes, name: str, columns: Sequence[str], dictionaries: Sequence[str] = ()) -> Any:
    try:
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=list(dictionaries))
        groups = [file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups)]
        if file.metadata.num_rows > MOST_ROWS or sum(groups) > MOST_BYTES:
            raise PackageError(f"{name} unpacks to more than any package of ours holds.")
        if missing := set(columns) - set(file.schema_arrow.names):
            raise PackageError(f"{name} lacks the column {min(missing)}.")
        return file.read(columns=list(columns))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PackageError(f"{name} is no readable Parquet file.") from error
