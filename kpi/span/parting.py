"""Parts of a span: what was read, cut into neighbouring assets that are computed together."""

import polars as pl

from kpi.running.parts import LEAST_SHARE, Part, grouped, of_assets
from kpi.span.reading import Read
from kpi.span.scene import Scene


def parts_of(scene: Scene, read: Read) -> list[Part]:
    """Neighbouring assets whose readings fit in memory together, enough of them for all processes."""
    counts, processes = read.spool.counts.tolist(), scene.pool.processes
    share = max(LEAST_SHARE, sum(counts) // (2 * processes)) if processes > 1 else scene.part_rows
    return [_part(scene, read, first, last) for first, last in grouped(counts, min(share, scene.part_rows))]


def _part(scene: Scene, read: Read, first: int, last: int) -> Part:
    assets = frozenset(asset for asset, bucket in read.buckets.items() if first <= bucket <= last)
    return Part(
        of_assets(read.inputs, assets),
        read.spool.rows(first, last),
        read.series.filter(pl.col("asset").is_in(sorted(assets))),
        {asset: windows for asset, windows in scene.windows.items() if asset in assets},
    )
