"""Measures the evidence log: appending records of the usual form, signing, proving, and the audit of everything.

What is appended is either made here, or stored as KPI values before and entered as `haidang evidence append` does it.
"""

import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from maturity.audit import audit
from maturity.closing import close_due_days
from maturity.entering import code_version, kpi_records
from maturity.log import EvidenceLog, entry
from maturity.notes import SigningKey
from pilot.embedded import embedded_database
from store import evidence, registry
from store.copying import copy_in
from store.evidence import FinalValue
from store.migrate import migrate
from store.pool import connect, with_user
from store.site_file import SiteFile

MACHINES = 100
HOURS = 10
BATCH = MACHINES * HOURS  # records of a production day
_MB = 1e6
_DAY = date(2026, 1, 1)
_SITE = SiteFile.model_validate(
    {
        "site": {"key": "bench", "name": "Bench", "timezone": "Asia/Ho_Chi_Minh"},
        "assets": [
            {"key": "line", "level": "line", "name": "Line"},
            *({"key": f"line/machine-{n}", "level": "unit", "name": f"Machine {n}"} for n in range(MACHINES)),
        ],
    }
)


@dataclass(frozen=True)
class Result:
    """Seconds and rates of one run; memory in MB at its end.

    Seconds of the processor are this process's alone: the machine may be shared, and the database has its own.
    """

    machine: str
    stored: bool
    records: int
    mean_bytes: float
    append_s: float
    append_per_s: float
    append_mb_per_s: float
    append_cpu_s: float
    disk_mb: float
    checkpoint_s: float
    proof_ms: float
    audit_s: float
    audit_per_s: float
    audit_cpu_s: float
    memory_mb: float
    good: bool


def run(records: int, kpis: int, *, stored: bool) -> Result:
    """Append so many records to a log of a database made for it, then check them all again.

    Args:
        records: how many.
        kpis: values in each.
        stored: values lie in the database first, and closing their days reads them; else records are made of rows here.
    """
    key = SigningKey.generate("bench.example/log")
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            with connect(url, "bench site") as owner:
                registry.apply_site(owner, _SITE)
            if stored:
                _store(url, records, kpis)
            with connect(with_user(url, "haidang_evidence"), "bench", autocommit=True) as connection:
                log = EvidenceLog(connection)
                used = _close(log) if stored else _append(log, records, kpis)
                return _measure(log, key, used, records, stored=stored)


def main(records: int, kpis: int, *, stored: bool, as_json: bool) -> int:
    """Run and print; 1 when the audit finds anything."""
    found = run(records, kpis, stored=stored)
    if as_json:
        Console().print_json(json.dumps(asdict(found)))
        return 0 if found.good else 1
    table = Table("evidence log", "")
    table.add_row("machine", found.machine)
    table.add_row("records", f"{found.records:,} of {found.mean_bytes:,.0f} bytes")
    rate = f"{found.append_per_s:,.0f} records/s, {found.append_mb_per_s:,.1f} MB/s"
    table.add_row(
        "stored values read, entered" if stored else "append, made canonical and hashed",
        f"{rate}; {found.append_cpu_s:.1f} s of the processor",
    )
    table.add_row("on disk, with indexes", f"{found.disk_mb:,.0f} MB")
    table.add_row("first checkpoint (whole tree)", f"{found.checkpoint_s:.2f} s")
    table.add_row("proof of a record", f"{found.proof_ms:.2f} ms")
    table.add_row(
        "audit of everything",
        f"{found.audit_s:.1f} s, {found.audit_per_s:,.0f} records/s ({found.audit_cpu_s:.1f} s of the processor), "
        f"{'good' if found.good else 'NOT GOOD'}",
    )
    table.add_row("memory of the process", f"{found.memory_mb:,.0f} MB")
    Console().print(table)
    return 0 if found.good else 1


@dataclass(frozen=True)
class _Used:
    """What appending took: seconds of the clock and of this process's processor."""

    wall_s: float
    cpu_s: float


def _append(log: EvidenceLog, records: int, kpis: int) -> _Used:
    """Append records that are made of rows; making the rows is not measured."""
    site, code = registry.site_id(log.connection, _SITE.site.key), code_version()
    wall = cpu = 0.0
    for day, rows in _days(records, kpis):
        began, used = time.perf_counter(), time.process_time()
        log.append(entry(record, site) for record in kpi_records(_SITE.site.key, day, rows, code))
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
    return _Used(wall, cpu)


def _close(log: EvidenceLog) -> _Used:
    began, used = time.perf_counter(), time.process_time()
    close_due_days(log.connection)
    return _Used(time.perf_counter() - began, time.process_time() - used)


def _store(url: str, records: int, kpis: int) -> None:
    """Put the values into the database as the owner, as final."""
    with connect(url, "bench values") as owner:
        site = registry.site_id(owner, _SITE.site.key)
        assets = registry.asset_ids(owner, site)
        for day, rows in _days(records, kpis):
            frame = pl.DataFrame(rows, schema=list(FinalValue._fields), orient="row").with_columns(
                pl.col("scope").replace_strict(assets).alias("asset_id"),
                pl.col("factor_set").cast(pl.String),
                pl.col("cause", "flags").cast(pl.List(pl.String)),
                site_id=pl.lit(site),
                production_day=pl.lit(day),
                is_final=pl.lit(value=True),
            )
            copy_in(owner, "kpi_value", frame.drop("scope"))


def _measure(log: EvidenceLog, key: SigningKey, used: _Used, records: int, *, stored: bool) -> Result:
    began = time.perf_counter()
    log.checkpoint(key)
    signed = time.perf_counter()
    proofs = 100
    tree = log.tree()
    for place in range(0, records, max(1, records // proofs)):
        tree.inclusion_proof(place, tree.size)
    proven, cpu = time.perf_counter(), time.process_time()
    found = audit(evidence.entries(log.connection), evidence.checkpoints(log.connection), key.public)
    audit_s, audit_cpu_s = time.perf_counter() - proven, time.process_time() - cpu
    text_bytes, disk_bytes = evidence.log_bytes(log.connection)
    return Result(
        machine=f"{os.cpu_count()} x {platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        stored=stored,
        records=records,
        mean_bytes=text_bytes / (records + 1),
        append_s=used.wall_s,
        append_per_s=records / used.wall_s,
        append_mb_per_s=text_bytes / _MB / used.wall_s,
        append_cpu_s=used.cpu_s,
        disk_mb=disk_bytes / _MB,
        checkpoint_s=signed - began,
        proof_ms=(proven - signed) * 1000 / min(proofs, records),
        audit_s=audit_s,
        audit_per_s=records / audit_s,
        audit_cpu_s=audit_cpu_s,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        good=found.is_good and found.records == records + 1,
    )


def _days(records: int, kpis: int) -> Iterator[tuple[date, list[FinalValue]]]:
    """Values of production days, so many records in all."""
    for first in range(0, records, BATCH):
        day = _DAY + timedelta(days=first // BATCH)
        numbers = range(first, min(first + BATCH, records))
        yield day, [value for number in numbers for value in _window(day, number, kpis)]


def _window(day: date, number: int, kpis: int) -> list[FinalValue]:
    """Values of an hour of a machine."""
    start = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=number // MACHINES % HOURS)
    return [
        FinalValue(
            scope=f"line/machine-{number % MACHINES}", grain="hour", window_start=start,
            window_end=start + timedelta(hours=1), shift="", job="", product="", kpi=f"kpi_{kpi}",
            variant="", value=number * 31 % 997 / 997, numerator=float(number % 997), denominator=997.0,
            coverage=1.0, completeness=0.998, status="final", flags=[], definition_version=1,
            factor_set=None, config_digest="ab" * 32, inputs_digest="cd" * 32, revision=1, cause=[],
            computed_at=start,
        )
        for kpi in range(kpis)
    ]  # fmt: skip
