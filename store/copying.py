"""Frames in and out of the database by COPY, within the caller's transaction; floats keep every bit."""

import io
from collections.abc import Mapping
from typing import Any, LiteralString

import polars as pl
import psycopg
from psycopg import sql

from store.pool import Connection

NULL = r"\N"
_UTC = pl.Datetime("us", "UTC")


def copy_in(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a table; column names are those of the table."""
    if frame.is_empty():
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL {})").format(
        sql.Identifier(table), columns, sql.Literal(NULL)
    )
    text = frame.select(_as_text(name, dtype) for name, dtype in frame.schema.items())
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text.write_csv(include_header=False, null_value=NULL).encode())


def append(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a table under row-level security, into which PostgreSQL does not COPY."""
    if frame.is_empty():
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    names = {"waiting": sql.Identifier(f"new_{table}"), "target": sql.Identifier(table), "columns": columns}
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {waiting} AS SELECT {columns} FROM {target} LIMIT 0").format(**names)
    )
    copy_in(connection, f"new_{table}", frame)
    connection.execute(sql.SQL("INSERT INTO {target} ({columns}) SELECT {columns} FROM {waiting}").format(**names))
    connection.execute(sql.SQL("DROP TABLE {waiting}").format(**names))


def copy_out(
    connection: Connection, query: LiteralString, parameters: Mapping[str, Any], schema: Mapping[str, Any]
) -> pl.DataFrame:
    """Read the rows of a query into a frame with the given columns, in the order of the query's columns."""
    rendered = psycopg.ClientCursor(connection).mogrify(query, parameters)
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL {})").format(
        sql.SQL(rendered),  # rendered by the driver: values are quoted literals
        sql.Literal(NULL),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(bytes(block) for block in copy)
    if not data:
        return pl.DataFrame(schema=pl.Schema(schema))
    return pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        schema=pl.Schema(schema),
        null_values=[NULL],
        empty_string_is_null=False,
    )


def utc(column: str) -> pl.Expr:
    """µs since 1970 as an instant."""
    return pl.col(column).cast(_UTC).alias(column)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """Lists as array literals; everything else is written as CSV writes it."""
    if isinstance(dtype, pl.List):
        return pl.concat_str(pl.lit("{"), pl.col(name).list.join(","), pl.lit("}")).alias(name)
    return pl.col(name)
