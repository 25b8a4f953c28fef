"""Numbered texts: nothing that differs becomes the same, whatever stands in it."""

import polars as pl
import pytest

from maturity.errors import PackageError
from maturity.package.compact import compact_schema, compacted, plain
from maturity.package.parquet import compact_from_parquet, to_parquet

SCHEMA = pl.Schema({"name": pl.String(), "flags": pl.List(pl.String()), "value": pl.Float64()})
LISTS = [None, [], [None], [""], ["-"], ["", ""], ["a", "b"], ["a1:b"], ["b", "a"], ["ab"], ["a,b"], ["1:a"], ["ä"]]


def test_different_lists_stay_different() -> None:
    frame = pl.DataFrame({"flags": LISTS}, {"flags": pl.List(pl.String)})
    assert compacted(frame)["flags"].n_unique() == len(LISTS)
    assert compacted(compacted(frame)).equals(compacted(frame))


def test_a_table_is_read_as_it_would_be_numbered() -> None:
    frame = pl.DataFrame({"name": ["x", None, "x"], "flags": [["a"], [], None], "value": [1.0, None, 2.0]}, SCHEMA)
    read = compact_from_parquet(to_parquet(frame), "t.parquet", SCHEMA)
    assert read.schema == compact_schema(SCHEMA)
    assert read.equals(compacted(frame))
    assert plain(read)["name"].to_list() == ["x", None, "x"]
    with pytest.raises(PackageError, match=r"t\.parquet lacks the column flags"):
        compact_from_parquet(to_parquet(frame.drop("flags")), "t.parquet", SCHEMA)
    with pytest.raises(PackageError, match="does not have the columns"):
        compact_from_parquet(to_parquet(frame.with_columns(value=pl.lit("?"))), "t.parquet", SCHEMA)
