"""Measures the evidence log: appending records of the usual form, signing, proving, and the audit of everything."""

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from maturity.audit import audit
from maturity.entering import code_version, kpi_records
from maturity.log import EvidenceLog, Record, entry
from maturity.notes import SigningKey
from pilot.embedded import embedded_database
from store import evidence, registry
from store.evidence import FinalValue
from store.migrate import migrate
from store.pool import connect, with_user
from store.site_file import SiteFile

BATCH = 1_000
_DAY = date(2026, 1, 1)
_SITE = SiteFile.model_validate(
    {"site": {"key": "bench", "name": "Bench", "timezone": "Asia/Ho_Chi_Minh"}, "assets": []}
)


@dataclass(frozen=True)
class Result:
    """Seconds and rates of one run; memory in MB at its end.

    Seconds of the processor are this process's alone: the machine may be shared, and the database has its own.
    """

    records: int
    mean_bytes: float
    append_s: float
    append_per_s: float
    append_cpu_s: float
    checkpoint_s: float
    proof_ms: float
    audit_s: float
    audit_cpu_s: float
    memory_mb: float
    good: bool


def run(records: int, kpis: int) -> Result:
    """Append so many records to a log of a database made for it, then check them all again."""
    key = SigningKey.generate("bench.example/log")
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            with connect(url, "bench site") as owner:
                registry.apply_site(owner, _SITE)
            with connect(with_user(url, "haidang_evidence"), "bench", autocommit=True) as connection:
                return _measure(EvidenceLog(connection), key, records, kpis)


def main(records: int, kpis: int, *, as_json: bool) -> int:
    """Run and print; 1 when the audit finds anything."""
    found = run(records, kpis)
    if as_json:
        Console().print_json(json.dumps(asdict(found)))
        return 0 if found.good else 1
    table = Table("evidence log", "")
    table.add_row("records", f"{found.records:,} of {found.mean_bytes:,.0f} bytes")
    told = f"{found.append_per_s:,.0f} records/s, {found.append_cpu_s:.1f} s of the processor"
    table.add_row("append, made canonical and hashed", told)
    table.add_row("first checkpoint (whole tree)", f"{found.checkpoint_s:.2f} s")
    table.add_row("proof of a record", f"{found.proof_ms:.2f} ms")
    table.add_row(
        "audit of everything",
        f"{found.audit_s:.1f} s ({found.audit_cpu_s:.1f} s of the processor), {'good' if found.good else 'NOT GOOD'}",
    )
    table.add_row("memory of the process", f"{found.memory_mb:,.0f} MB")
    Console().print(table)
    return 0 if found.good else 1


def _measure(log: EvidenceLog, key: SigningKey, records: int, kpis: int) -> Result:
    total, site = 0, registry.site_id(log.connection, _SITE.site.key)
    began, used = time.perf_counter(), time.process_time()
    for batch in _batches(records, kpis):
        entries = [entry(record, site) for record in batch]
        total += sum(len(each.record) for each in entries)
        log.append(entries)
    appended, append_cpu_s = time.perf_counter(), time.process_time() - used
    log.checkpoint(key)
    signed = time.perf_counter()
    proofs = 100
    tree = log.tree()
    for place in range(0, records, max(1, records // proofs)):
        tree.inclusion_proof(place, tree.size)
    proven, used = time.perf_counter(), time.process_time()
    found = audit(evidence.entries(log.connection), evidence.checkpoints(log.connection), key.public)
    return Result(
        records=records,
        mean_bytes=total / records,
        append_s=appended - began,
        append_per_s=records / (appended - began),
        append_cpu_s=append_cpu_s,
        checkpoint_s=signed - appended,
        proof_ms=(proven - signed) * 1000 / min(proofs, records),
        audit_s=time.perf_counter() - proven,
        audit_cpu_s=time.process_time() - used,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        good=found.is_good and found.records == records + 1,
    )


def _batches(records: int, kpis: int) -> Iterator[list[Record]]:
    made: list[Record] = []
    for record in _records(records, kpis):
        made.append(record)
        if len(made) == BATCH:
            yield made
            made = []
    if made:
        yield made


def _records(count: int, kpis: int) -> Iterator[Record]:
    """Records as day close makes them: a window of a machine with some KPIs."""
    code = code_version()
    for number in range(count):
        day = _DAY + timedelta(days=number // 1_000)
        yield from kpi_records(_SITE.site.key, day, _window(day, number, kpis), code)


def _window(day: date, number: int, kpis: int) -> list[FinalValue]:
    start = datetime.combine(day, datetime.min.time(), UTC)
    return [
        FinalValue(
            scope=f"line/machine-{number % 1_000}", grain="day", window_start=start,
            window_end=start + timedelta(days=1), shift="", job="", product="", kpi=f"kpi_{kpi}",
            variant="", value=number * 31 % 997 / 997, numerator=float(number % 997), denominator=997.0,
            coverage=1.0, completeness=0.998, status="final", flags=[], definition_version=1,
            factor_set=None, config_digest="ab" * 32, inputs_digest="cd" * 32, revision=1, cause=[],
            computed_at=start,
        )
        for kpi in range(kpis)
    ]  # fmt: skip
