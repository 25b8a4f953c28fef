"""Tables with many texts in few bytes: every text is kept once, a row holds its number. Pure.

Nothing is lost: two compact rows are equal exactly where the rows that they were made of are.
"""

import polars as pl

TEXT = pl.Categorical()


def compacted(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the texts of a frame; a list of texts becomes one text. What is compact already stays as it is."""
    return frame.with_columns(_numbered(name, dtype) for name, dtype in frame.schema.items() if _is_text(dtype))


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Write the texts of a compact frame out again; lists stay one text."""
    return frame.with_columns(pl.col(name).cast(pl.String) for name, dtype in frame.schema.items() if dtype == TEXT)


def compact_schema(schema: pl.Schema) -> pl.Schema:
    """Columns of `compacted` of a frame with these columns."""
    return pl.Schema({name: TEXT if _is_text(dtype) else dtype for name, dtype in schema.items()})


def as_text(column: str) -> pl.Expr:
    """Write a list of texts as one, so that different lists give different texts: each with its length before it."""
    each = pl.element()
    lengths = each.str.len_bytes().cast(pl.String)
    return pl.col(column).list.eval(pl.concat_str(lengths, pl.lit(":"), each).fill_null("-")).list.join("")


def _numbered(name: str, dtype: pl.DataType) -> pl.Expr:
    return (pl.col(name) if dtype == pl.String else as_text(name)).cast(TEXT)


def _is_text(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.List(pl.String))
