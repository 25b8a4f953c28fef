"""Makes the package of a site and period from the database: what is final, in the log and signed, and nothing else.

Rows of the database that are not those of the log are refused, so that a package never has to explain itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from psycopg import IsolationLevel

from kpi.running.work import DAY
from maturity import dsse, rotation, zipped
from maturity.checkpoint import Checkpoint
from maturity.entering import KPI_KIND, RAW_KIND, canonical_object, code_version, instant
from maturity.errors import PackageError
from maturity.framework import Framework
from maturity.lint import require_sound
from maturity.log import EvidenceLog
from maturity.notes import SigningKey, note_of
from maturity.package import layout
from maturity.package.comparing import log_differences
from maturity.package.content import Manifest, parsed_site
from maturity.package.contexts import context_differences
from maturity.package.crate import crate
from maturity.package.logged import Logged, Proof, logged_of
from maturity.package.margins import margins_of
from maturity.package.parquet import to_parquet
from maturity.package.periods import bounds_of, configs_of_days, days_without_values
from maturity.package.readme import readme
from maturity.package.stating import Stated, state
from maturity.package.taking import RawTaken, context_members, take_context, take_readings
from maturity.site_assessment import BASELINE_KIND
from model.canonical import canonical_json
from model.instants import instant as at_us
from model.registry import Site
from store import evidence, registry
from store import maturity as known
from store import package as rows
from store.pool import Connection

_WINDOW = ("scope", "grain", "window_start", "shift", "job", "product")


@dataclass(frozen=True)
class Wanted:
    """What is to be packed: a site, production days (both included), and frameworks to assess it against."""

    site: str
    first: date
    last: date
    frameworks: tuple[Framework, ...] = ()

    @property
    def days(self) -> tuple[date, ...]:
        """Production days, in order."""
        return Manifest(self.site, self.first, self.last, "", ()).days


@dataclass(frozen=True)
class Made:
    """What was packed."""

    members: int
    days: int
    readings: int
    values: int
    records: int
    never: tuple[date, ...] = ()  # days that were never computed


def make_package(connection: Connection, reader: Any, wanted: Wanted, key: SigningKey, path: Path) -> Made:
    """Write a package.

    Args:
        connection: of role haidang_evidence, autocommit.
        reader: of the same role, for the readings (store.inputs.open_adbc).
        wanted: what is to be packed.
        key: the key that signs the log now; it signs the package too.
        path: file to write.

    Raises:
        CatalogueError: a catalogue contradicts itself, or names a metric that the product does not have.
        PackageError: days are not final or not in the log, or the rows are not those of the log.
        SignatureError: another key signs the log.
    """
    if wanted.last < wanted.first:
        raise PackageError(f"{wanted.last} is before {wanted.first}.")
    for framework in wanted.frameworks:
        require_sound(framework)
    EvidenceLog(connection).checkpoint(key)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with TemporaryDirectory(prefix="haidang-package-") as folder, connection.transaction():
        return _Making(connection, reader, wanted, key, Path(folder)).make(path)


@dataclass
class _Making:
    connection: Connection
    reader: Any
    wanted: Wanted
    key: SigningKey
    folder: Path
    members: dict[str, bytes | Path] = field(default_factory=dict)

    def make(self, path: Path) -> Made:
        wanted, connection = self.wanted, self.connection
        site_id = registry.site_id(connection, wanted.site)
        manifest = Manifest(
            wanted.site, wanted.first, wanted.last, code_version(), tuple(each.key for each in wanted.frameworks)
        )
        values = self._values(site_id)
        sites = self._configs(values)
        configs, never = configs_of_days(values, manifest.days), days_without_values(values, manifest.days)
        stated = self._criteria(values)
        logged = self._log(site_id, values, stated)
        first, last = sites[configs[wanted.first]], sites[configs[wanted.last]]
        of_days = {day: sites[configs[day]] for day in manifest.days if day not in never}
        margins = tuple(margins_of(manifest.days, never, of_days))
        wanted_raw = RawTaken(site_id, manifest.days, first, last, logged.raw, margins)
        taken = take_readings(connection, self.reader, wanted_raw, self.folder)
        self._refuse_waiting(site_id, bounds_of(first, last, manifest.days)[0], taken.until_us)
        self.members |= taken.members
        context = take_context(connection, site_id, manifest.days, (first, last), taken)
        self._refuse_other_context(context_differences(context, of_days, logged.context, wanted.first))
        self.members |= context_members(context)
        self.members[layout.MANIFEST] = canonical_json(manifest.plain())
        self.members[layout.VALUES_FILE] = to_parquet(values.sort(layout.VALUE_KEY))
        self.members[layout.README] = readme(manifest, self.key.public)
        self.members[layout.CRATE] = crate(manifest, sorted(self.members))
        self.members[layout.STATEMENT] = self._statement(manifest)
        zipped.write_zip(path, self.members)
        return Made(
            len(self.members), len(manifest.days), taken.rows, len(values), len(logged.leaves), tuple(sorted(never))
        )

    def _refuse_waiting(self, site_id: int, begin: int, end: int) -> None:
        """Refuse what came after the values were computed: they would not come out of these rows again."""
        waiting = rows.waiting(self.connection, site_id, at_us(begin), at_us(end))
        if waiting:
            raise PackageError(
                f"What came since is not computed yet ({waiting[0]} of {waiting[1]:%Y-%m-%d %H:%M} UTC): first "
                "`haidang kpi run`, then `haidang evidence append`."
            )

    def _refuse_other_context(self, found: Iterator[str]) -> None:
        """Refuse events, corrections, records or a carry that are not those of the log."""
        if differs := next(found, None):
            raise PackageError(
                f"{differs}. `haidang evidence append` enters what was computed since; if that does not help, `haidang "
                "kpi recompute` computes the day from what is there now, and then `haidang evidence append` enters it."
            )

    def _values(self, site_id: int) -> pl.DataFrame:
        wanted = self.wanted
        site = registry.snapshot(self.connection, wanted.site, _end_of(wanted.first))
        begins = bounds_of(site, site, [wanted.first])[0]
        period = rows.Period(site_id, wanted.first, wanted.last, at_us(begins))
        if still := rows.open_days(self.connection, period):
            raise PackageError(
                f"Values of {still[0]} are not final yet: a package holds closed days only. "
                "`haidang kpi run` closes a day once its lateness allowance has passed."
            )
        found = rows.values(self.connection, period, layout.VALUES)
        days = wanted.days
        if len(days_without_values(found, days)) == len(days):  # a week that begins in them does not count
            raise PackageError(f"{wanted.site} has no final values from {wanted.first} to {wanted.last}.")
        return found

    def _configs(self, values: pl.DataFrame) -> dict[str, Site]:
        digests = set(values["config_digest"])
        found = rows.configs(self.connection, digests)
        if missing := digests - set(found):
            raise PackageError(f"The registry with the digest {min(missing)} is not kept any more.")
        for digest, text in found.items():
            if sha256(text.encode()).hexdigest() != digest:
                raise PackageError(f"The registry that is kept as {digest} was changed.")
            self.members[layout.config(digest)] = text.encode()
        return {digest: parsed_site(text.encode(), layout.config(digest)) for digest, text in found.items()}

    def _criteria(self, values: pl.DataFrame) -> Stated | None:
        if not self.wanted.frameworks:
            return None
        period = (self.wanted.first, self.wanted.last)
        stated = state(self.connection, self.wanted.frameworks, self.wanted.site, period, values)
        self.members |= stated.members
        return stated

    def _log(self, site_id: int, values: pl.DataFrame, stated: Stated | None) -> Logged:
        windows = values.select(_WINDOW).unique().iter_rows(named=True)
        objects = {canonical_object(RAW_KIND, day.isoformat()) for day in self.wanted.days}
        objects |= {_object_of(window) for window in windows}
        if stated:
            objects |= {f"{BASELINE_KIND}|{each.key}" for each in known.baselines(self.connection, site_id)}
        own = evidence.records_of_log(self.connection, rotation.KIND)
        found = rows.logged(self.connection, site_id, objects)
        point = self._checkpoint(max((place for place, _ in found), default=-1) + 1)
        entries = sorted([*found, *(each for each in own if each[0] < point.tree_size)])
        logged = logged_of(entries)
        if differs := next(log_differences(values, logged.values), None):
            raise PackageError(
                f"The evidence log does not hold what the database holds ({differs}): "
                "`haidang evidence append` enters final values."
            )
        places = tuple(place for place, _ in entries)
        parts = EvidenceLog(self.connection).tree().range_proof(places, point.tree_size)
        self.members[layout.LOG_RECORDS] = "".join(f"{text}\n" for _, text in entries).encode()
        self.members[layout.LOG_PROOF] = canonical_json(Proof(point.tree_size, places, parts).plain())
        text = Checkpoint(point.origin, point.tree_size, point.root).text
        self.members[layout.LOG_CHECKPOINT] = note_of(text, point.lines).encode()
        return logged

    def _checkpoint(self, least: int) -> evidence.StoredCheckpoint:
        """The checkpoint over all records that most have signed, of those that our key signs; the newest of them."""
        periods = EvidenceLog(self.connection).keys()
        good = [
            each
            for each in evidence.checkpoints(self.connection)
            if each.tree_size >= least and rotation.key_in_force(periods, each.tree_size) == self.key.public
        ]
        if not good:
            raise PackageError("The records are not in a signed log yet: `haidang evidence append` signs a checkpoint.")
        return max(good, key=lambda each: (len(each.lines), each.tree_size))

    def _statement(self, manifest: Manifest) -> bytes:
        digests = {name: _sha(content) for name, content in self.members.items()}
        return dsse.sign(dsse.Statement(digests, manifest.plain()), self.key)


def _object_of(window: Mapping[str, Any]) -> str:
    start = instant(at_us(window["window_start"]))
    parts = (window["scope"], window["grain"], start, window["shift"], window["job"], window["product"])
    return canonical_object(KPI_KIND, *parts)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + DAY, datetime.min.time(), UTC)


def _sha(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return sha256(content).hexdigest()
    digest = sha256()
    with content.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
