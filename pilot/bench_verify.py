"""How long it takes to check a package: a month of a generated plant is packed without a database, then verified.

Every machine has five signals every ten seconds: state, good and rejected pieces, energy, temperature. The numbers of
the package are computed by the product itself, so the check must find all of them equal.
"""

import json
import multiprocessing
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.console import Console

from kpi.running.work import month_end, windows_of_days
from maturity import dsse
from maturity.checkpoint import Checkpoint
from maturity.day_context import bounds_of_day
from maturity.entering import code_version, kpi_records, raw_record
from maturity.merkle import Tree, leaf_hash
from maturity.notes import PublicKey, SigningKey, note_of
from maturity.package import layout
from maturity.package.content import Manifest, Package
from maturity.package.crate import crate
from maturity.package.logged import Proof
from maturity.package.parquet import to_parquet
from maturity.package.periods import Plan, Target
from maturity.package.readme import readme
from maturity.package.recompute import context_of, recompute, series_key
from maturity.package.rows import RawDays
from maturity.package.verify import series_ids, verify
from maturity.rotation import announcement
from maturity.zipped import write_zip
from model.canonical import canonical_json
from model.instants import instant
from model.registry import Asset, Routing, Series, ShiftRule, Site
from model.vocabulary import Grain, symbol_id
from store.evidence import FinalValue

FIRST = date(2026, 6, 1)  # a Monday
SIGNALS = (
    ("state", "state", "state"),
    ("good_count", "good_count", "counter"),
    ("reject_count", "reject_count", "counter"),
    ("energy_kwh", "active_energy", "counter"),
    ("temperature", "temperature", "gauge"),
)
STATES = ("EXECUTE", "SUSPENDED", "ABORTED")
MOST_SECONDS, MOST_BYTES = 60.0, 10**9


@dataclass(frozen=True)
class Options:
    """How much is packed."""

    machines: int = 20
    days: int = 30
    period_s: int = 10


def main(options: Options, *, as_json: bool) -> int:
    """Generate, verify in a process of its own, report; 1 if it took longer or more memory than it may."""
    console = Console(stderr=True, highlight=False)
    with TemporaryDirectory(prefix="haidang-bench-") as folder:
        key, path = SigningKey.generate("bench.example/log"), Path(folder) / "package.zip"
        rows = generate(path, options, key)
        console.print(f"{rows:,} rows in {path.stat().st_size:,} bytes")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(_measure, (path, str(key.public)))
    found["rows"] = rows
    if as_json:
        Console(highlight=False, soft_wrap=True).print_json(json.dumps(found))
    else:
        console.print(
            f"verified in {found['seconds']:.1f} s ({found['processor_seconds']:.1f} s of processors), "
            f"{found['bytes'] / 1e6:.0f} MB, {found['values']:,} values, {found['different']} different"
        )
    held = found["good"] and found["seconds"] < MOST_SECONDS and found["bytes"] < MOST_BYTES
    return 0 if held else 1


def _measure(path: Path, key: str) -> dict[str, Any]:
    wall, processor = time.monotonic(), time.process_time()
    found = verify(path, PublicKey.parse(key))
    return {
        "good": found.is_good,
        "findings": found.findings[:5],
        "seconds": time.monotonic() - wall,
        "processor_seconds": time.process_time() - processor,
        "bytes": _peak_bytes(),
        "values": len(found.values),
        "different": len(found.values.filter(pl.col("verdict") == "different")),
    }


def _peak_bytes() -> int:
    """Largest memory of this process itself; `getrusage` would tell that of the parent which started it."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def generate(path: Path, options: Options, key: SigningKey) -> int:
    """Write a package of a generated plant; gives the number of its rows."""
    site = plant(options.machines)
    last = FIRST + timedelta(days=options.days - 1)
    manifest = Manifest(site.key, FIRST, last, code_version(), ())
    members: dict[str, bytes] = {**_inputs(site, manifest), **dict(_readings(site, manifest, options))}
    write_zip(path, dict(members))
    package = Package.open(path)
    digest = next(name for name in members if name.startswith("config/"))[len("config/") : -len(".json")]
    raw = RawDays(package, series_ids(package))
    made = recompute(package, raw, Plan(dict.fromkeys(manifest.days, digest), (_longer(manifest, digest),)), whole=True)
    values = _stated(made.all_values(), digest, last)
    members[layout.VALUES_FILE] = to_parquet(values.sort(layout.VALUE_KEY))
    members |= _log(site, manifest, raw, values, key)
    members[layout.README] = readme(manifest, key.public)
    members[layout.CRATE] = crate(manifest, sorted(members))
    subjects = {name: sha256(content).hexdigest() for name, content in members.items()}
    members[layout.STATEMENT] = dsse.sign(dsse.Statement(subjects, manifest.plain()), key)
    write_zip(path, dict(members))
    return options.days * options.machines * len(SIGNALS) * 86_400 // options.period_s


def plant(machines: int) -> Site:
    """Machines in lines of five, two shifts a day."""
    lines = sorted({f"line{number // 5 + 1}" for number in range(machines)})
    units = [f"line{number // 5 + 1}/m{number + 1}" for number in range(machines)]
    return Site(
        key="bench",
        timezone="Asia/Ho_Chi_Minh",
        assets=(
            Asset(key="", level="site"),
            *(Asset(key=line, level="line", parent="") for line in lines),
            *(Asset(key=unit, level="unit", parent=unit.split("/")[0]) for unit in units),
        ),
        series=tuple(
            Series(asset=unit, name=name, quantity=quantity, kind=kind, expected_period_us=10_000_000)
            for unit in units
            for name, quantity, kind in SIGNALS
        ),
        routings=(Routing(ideal_cycle_us=4_500_000),),
        shifts=tuple(
            ShiftRule(shift=shift, cycle_day=day, start=start, end=end)
            for day in range(7)
            for shift, start, end in (("A", "06:00", "14:00"), ("B", "14:00", "22:00"))
        ),
    )


def _inputs(site: Site, manifest: Manifest) -> dict[str, bytes]:
    config = canonical_json(site)
    keys = sorted((series_key(site.key, each.asset, each.name), each.asset, each.name) for each in site.series)
    series = pl.DataFrame(
        [(number, *key) for number, key in enumerate(keys, start=1)], schema=layout.SERIES, orient="row"
    )
    symbols = pl.DataFrame([(symbol_id(text), text) for text in STATES], layout.RAW_TABLES["symbols"], orient="row")
    tables = {name: pl.DataFrame(schema=schema) for name, schema in layout.RAW_TABLES.items()} | {"symbols": symbols}
    return {
        layout.MANIFEST: canonical_json(manifest.plain()),
        layout.config(sha256(config).hexdigest()): config,
        layout.SERIES_FILE: to_parquet(series),
        layout.CARRY: canonical_json({}),
        **{layout.raw_table(name): to_parquet(frame) for name, frame in tables.items()},
    }


def _readings(site: Site, manifest: Manifest, options: Options) -> Iterator[tuple[str, bytes]]:
    for member, begin, end in _stretches(site, manifest, options):
        ts = np.arange(begin, end, options.period_s * 1_000_000, dtype=np.int64)
        frames = [frame for number, unit in enumerate(_units(site)) for frame in _signals(site, unit, number, ts)]
        yield member, to_parquet(pl.concat(frames).sort("series_key", "ts"))


def _stretches(site: Site, manifest: Manifest, options: Options) -> Iterator[tuple[str, int, int]]:
    windows = [next(iter(windows_of_days(site, [day]).values()))[0] for day in manifest.days]
    step = options.period_s * 1_000_000
    yield layout.BEFORE, windows[0].from_us - step, windows[0].from_us
    for window in windows:
        yield layout.readings_of(window.day), window.from_us, window.to_us
    yield layout.AFTER, windows[-1].to_us, windows[-1].to_us + 3_600_000_000 + step


def _units(site: Site) -> list[str]:
    return [each.key for each in site.assets if each.level == "unit"]


def _signals(site: Site, unit: str, number: int, ts: npt.NDArray[np.int64]) -> Iterator[pl.DataFrame]:
    """What a machine sends in a stretch of time: 17 of 20 minutes it runs, then it is starved, then broken."""
    since = ts / 1e6 + 60 * number
    slots, into = np.divmod(since, 1200.0)
    ran = slots * 1020 + np.minimum(into, 1020)
    ids = np.array([float(symbol_id(state)) for state in STATES])
    values = {
        "state": ids[np.searchsorted([1020.0, 1140.0], into, side="right")],
        "good_count": np.floor(ran / 4.8) % 1e9,
        "reject_count": np.floor(ran / 240) % 1e9,
        "energy_kwh": ran / 3600 * 12,
        "temperature": 60 + 5 * np.sin(since / 900),
    }
    for name, value in values.items():
        key = pl.repeat(series_key(site.key, unit, name), len(ts), eager=True)
        yield pl.DataFrame({"series_key": key, "ts": ts, "value": value, "quality": np.zeros(len(ts), np.int16)})


def _longer(manifest: Manifest, digest: str) -> Target:
    """Weeks and months that lie in the period as a whole."""
    weeks = [(Grain.WEEK, day, day + timedelta(days=6)) for day in manifest.days if day.weekday() == 0]
    months = [(Grain.MONTH, day, month_end(day)) for day in manifest.days if day.day == 1]
    rows = [(grain.value, day, "") for grain, day, last in (*weeks, *months) if last <= manifest.last]
    schema = pl.Schema({"grain": pl.String, "production_day": pl.Date, "job": pl.String})
    return Target(digest, frozenset({Grain.WEEK, Grain.MONTH}), pl.DataFrame(rows, schema, orient="row"))


def _stated(made: pl.DataFrame, digest: str, last: date) -> pl.DataFrame:
    at = round(datetime.combine(last + timedelta(days=3), datetime.min.time(), UTC).timestamp() * 1e6)
    said = made.rename({"asset": "scope"}).with_columns(
        config_digest=pl.lit(digest), revision=1, cause=pl.lit([], pl.List(pl.String)), computed_us=at
    )
    return said.select(pl.col(name).cast(dtype) for name, dtype in layout.VALUES.items())


def _log(site: Site, manifest: Manifest, raw: RawDays, values: pl.DataFrame, key: SigningKey) -> dict[str, bytes]:
    texts = [canonical_json(announcement(key.public, None))]
    of_day = values.partition_by("production_day", as_dict=True)
    windows = {day: next(iter(windows_of_days(site, [day]).values()))[0] for day in manifest.days}
    for day in manifest.days:
        found, window = raw.digests[layout.readings_of(day)], windows[day]
        rows = [
            {
                "series_key": name,
                "from_ts": instant(window.from_us),
                "to_ts": instant(window.to_us),
                "rows": found[number].rows,
                "sha256": bytes.fromhex(found[number].sha256),
            }
            for name, number in sorted(raw.ids.items())
        ]
        also = context_of(raw.package).digests(*bounds_of_day(site, day))
        texts += [canonical_json(each.content) for each in raw_record(site.key, day, rows, also)]
        part = of_day.get((day,), values.clear())
        texts += [canonical_json(each.content) for each in kpi_records(site.key, day, _rows(part), manifest.code)]
    tree = Tree.of(map(leaf_hash, texts))
    point = Checkpoint(key.name, tree.size, tree.root())
    return {
        layout.LOG_RECORDS: b"".join(text + b"\n" for text in texts),
        layout.LOG_PROOF: canonical_json(Proof(tree.size, tuple(range(tree.size)), {}).plain()),
        layout.LOG_CHECKPOINT: note_of(point.text, [key.sign_note(point.text)]).encode(),
    }


def _rows(values: pl.DataFrame) -> Iterator[FinalValue]:
    order = ["scope", "grain", "window_start", "shift", "job", "product", "kpi", "variant"]
    utc = pl.Datetime("us", "UTC")
    times = [pl.col(name).cast(utc) for name in ("window_start", "window_end")]
    rows = values.sort(order).with_columns(*times, computed_at=pl.col("computed_us").cast(utc))
    return map(FinalValue._make, rows.select(FinalValue._fields).iter_rows())
