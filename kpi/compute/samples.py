"""Measured values of characteristics (inspection records) as sums from which every capability index is exact.

A value counts by its place between its limits: its distance from the middle over half the tolerance, with one limit
only the distance from that limit. So sums of products with different limits may be added. Values of a run (`run`, else
what one shift made of a product and order) and of a subgroup (`subgroup`, else the values of one record) give their
dispersion too; a run and a subgroup end with the production day and belong whole to the piece in which they close.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.numerals import number
from kpi.compute.orders import payload_of
from kpi.compute.plan import Plan
from kpi.compute.spread import Pieces, at_instants
from model.registry import Site, SpecLimit

SIDES = ("two", "upper", "lower")  # which limits there are
QUANTITIES = tuple(
    f"{family}_{name}" for family in ("sample", "run", "subgroup") for name in ("n", "sum", "squares", "df", *SIDES)
)
_COLUMNS = ["asset", "to_us", "key", "payload"]
_SEPARATORS = re.compile(r"[;\s]+")
_AT = pl.Schema({"a": pl.Int32, "t1": pl.Int64, "number": pl.Int64})

Finding = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Measured:
    """The values of one record."""

    asset: str
    to_us: int
    key: str
    characteristic: str
    values: tuple[float, ...]
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Placed:
    """Values between their limits, in the piece of time in which they belong."""

    piece: int
    product: str
    job: str
    characteristic: str
    side: str
    values: tuple[float, ...]
    run: Key
    subgroup: Key | None


def sample_rows(
    records: pl.DataFrame, site: Site, plan: Plan, pieces: pl.DataFrame, index: Pieces
) -> tuple[pl.DataFrame, list[Finding]]:
    """Give the sums of the measured values of records (frames.RECORDS), and the records that cannot be used."""
    measured, findings = _measured(records, plan)
    placed, without = _placed(measured, site, plan, pieces, index)
    rows: list[tuple[Any, ...]] = []
    for family, groups in _families(placed).items():
        for _, group in sorted(groups.items(), key=lambda item: item[0]):
            last = group[-1]
            own = (last.piece, last.product, last.job, last.characteristic)
            rows += [(*own, f"{family}_{name}", amount) for name, amount in _sums(family, group) if amount]
    schema = {"p": pl.Int64, "product": pl.String, "job": pl.String, "qualifier": pl.String, "quantity": pl.String}
    frame = pl.DataFrame(rows, {**schema, "amount": pl.Float64}, orient="row")
    return frame.select(*ROWS, "product", "job"), findings + without


def _measured(records: pl.DataFrame, plan: Plan) -> tuple[list[Measured], list[Finding]]:
    known = plan.rank()
    found: list[Measured] = []
    findings: list[Finding] = []
    wanted = records.filter(pl.col("kind") == "inspection", pl.col("to_us").is_not_null())
    for asset, to_us, key, text in wanted.select(_COLUMNS).sort(_COLUMNS).iter_rows():
        payload = payload_of(text)
        if asset not in known or ("value" not in payload and "values" not in payload):
            continue
        values = _values(payload)
        name = str(payload.get("characteristic") or "")
        wrong = _wrong(payload, values, name)
        if wrong:
            findings.append({"kind": "bad_record", "asset": asset, "record": f"inspection {key}", "fields": wrong})
        elif values is not None:
            found.append(Measured(asset, to_us, key, name, values, payload))
    return found, findings


def _wrong(payload: Mapping[str, Any], values: tuple[float, ...] | None, name: str) -> list[str]:
    """Name the fields that make a record unusable: no numbers, nothing that they measure, limits without a width."""
    lower, upper = _own_limits(payload)
    if values is None:
        return ["value" if "value" in payload else "values"]
    if not name:
        return ["characteristic"]
    return ["lower", "upper"] if lower is not None and upper is not None and lower >= upper else []


def _own_limits(payload: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return number(payload.get("lower")), number(payload.get("upper"))


def _values(payload: Mapping[str, Any]) -> tuple[float, ...] | None:
    """`value`, or `values` as a list or a text with spaces or semicolons; None if any is no number."""
    given = payload.get("values", payload.get("value"))
    parts: Iterable[Any] = _SEPARATORS.split(given.strip()) if isinstance(given, str) else given
    parts = parts if isinstance(parts, list | tuple) else [parts]
    try:
        numbers = tuple(float(part) for part in parts if not isinstance(part, bool))
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if numbers and all(map(math.isfinite, numbers)) else None


def _placed(
    measured: Sequence[Measured], site: Site, plan: Plan, pieces: pl.DataFrame, index: Pieces
) -> tuple[list[Placed], list[Finding]]:
    ranks = plan.rank()
    at = pl.DataFrame([(ranks[each.asset], each.to_us, n) for n, each in enumerate(measured)], _AT, orient="row")
    at = at_instants(at.sort("a", "t1", "number"), index)
    names = ["production_day", "shift", "job", "product"]
    around = pl.concat([at.select("number", "p"), pieces.select(names)[at["p"]]], how="horizontal")
    found: list[Placed] = []
    without: dict[tuple[str, str, str], int] = defaultdict(int)
    for index_of, piece, day, shift, job, product in around.iter_rows():
        each = measured[index_of]
        made = str(each.payload.get("product") or product)
        order = str(each.payload.get("job") or job)
        limit = _limit(each, site, made)
        if limit is None:
            without[each.asset, each.characteristic, made] += len(each.values)
            continue
        side, middle, scale = place(*limit)
        what = (each.asset, each.characteristic, made, order, str(day))
        run, subgroup = each.payload.get("run"), each.payload.get("subgroup")
        group = str(subgroup) if subgroup is not None else each.key if len(each.values) > 1 else None
        found.append(
            Placed(
                *(piece, made, order, each.characteristic, side),
                tuple((value - middle) / scale for value in each.values),
                (*what, "run", str(run)) if run is not None else (*what, "shift", str(shift)),
                None if group is None else (*what, group),
            )
        )
    findings = [
        {"kind": "missing_spec_limit", "asset": asset, "characteristic": name, "product": product, "values": values}
        for (asset, name, product), values in sorted(without.items())
    ]
    return found, findings


def _limit(each: Measured, site: Site, product: str) -> tuple[float | None, float | None] | None:
    """Limits of the record itself, else those in force of its product, else those of any product."""
    own = _own_limits(each.payload)
    if own != (None, None):
        return own
    fits = [limit for limit in site.spec_limits if limit.series is None and _fits(limit, each, product)]
    best = max(fits, key=lambda limit: (limit.product is not None, limit.valid_from_us), default=None)
    return None if best is None else (best.lower, best.upper)


def _fits(limit: SpecLimit, each: Measured, product: str) -> bool:
    begun = limit.valid_from_us <= each.to_us and (limit.valid_to_us is None or each.to_us < limit.valid_to_us)
    return begun and limit.characteristic == each.characteristic and limit.product in (None, product)


def place(lower: float | None, upper: float | None) -> tuple[str, float, float]:
    """Which limits there are, and the middle and scale by which values are placed between them."""
    if lower is None or upper is None:
        return ("upper", upper, 1.0) if upper is not None else ("lower", lower or 0.0, 1.0)
    return "two", (lower + upper) / 2, (upper - lower) / 2


def _families(placed: Sequence[Placed]) -> dict[str, dict[Key, list[Placed]]]:
    families: dict[str, dict[Key, list[Placed]]] = {name: defaultdict(list) for name in ("sample", "run", "subgroup")}
    for each in placed:
        families["sample"][each.piece, each.product, each.job, each.characteristic].append(each)
        families["run"][each.run].append(each)
        if each.subgroup is not None:
            families["subgroup"][each.subgroup].append(each)
    return families


def _sums(family: str, group: Sequence[Placed]) -> list[tuple[str, float]]:
    """Number, sum, squares (about the middle of the limits, or within the group), degrees of freedom, and sides."""
    values = [value for each in group for value in each.values]
    n = len(values)
    if family != "sample" and n < 2:
        return []
    mean = 0.0 if family == "sample" else math.fsum(values) / n
    same = family != "sample" and min(values) == max(values)
    squares = 0.0 if same else math.fsum((value - mean) ** 2 for value in values)
    sides = [(side, float(sum(len(each.values) for each in group if each.side == side))) for side in SIDES]
    free = 0.0 if family == "sample" else n - 1.0
    return [("n", float(n)), ("sum", math.fsum(values)), ("squares", squares), ("df", free), *sides]
