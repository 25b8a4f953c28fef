"""Checks a package without a database or a network: its bytes, its signature, the log, the raw rows, and everything
that was made of them, computed again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import polars as pl

from maturity import dsse, rotation, zipped
from maturity.day_context import Context, bounds_of_day
from maturity.errors import MaturityError, PackageError, SignatureError
from maturity.facts import FRAMES, Facts
from maturity.notes import Note, PublicKey
from maturity.package import layout
from maturity.package.compact import plain
from maturity.package.comparing import compared, log_differences
from maturity.package.content import Package
from maturity.package.contexts import context_differences, stated_otherwise
from maturity.package.criteria import about_of, criteria_again, other_baselines
from maturity.package.logged import Logged, announced_keys, check_log, read_log
from maturity.package.margins import named
from maturity.package.periods import bounds_of, days_without_values, plan_of, why_not
from maturity.package.placing import misplaced
from maturity.package.recompute import Progress, Recomputation, context_of, recompute
from maturity.package.report import Verification
from maturity.package.rows import RawDays
from model.registry import Site
from model.vocabulary import symbol_id

_PLANNED = ("grain", "production_day", "window_start", "window_end", "job", "config_digest", "computed_us")


def verify(
    path: Path, pinned: PublicKey, witnesses: tuple[PublicKey, ...] = (), progress: Progress | None = None
) -> Verification:
    """Check a package.

    Args:
        path: the file.
        pinned: key of the factory that is trusted, or an earlier one that it was rotated from.
        witnesses: keys whose signatures must be below the checkpoint.
        progress: told the days computed and in all.

    Raises:
        PackageError: it is no package of ours, or one of a format that this version does not know.
    """
    package, found = Package.open(path), Verification()
    damaged = [f"{name}: its bytes are damaged" for name in zipped.differences(path)]
    if not found.note(damaged, f"{len(package.members)} members, every byte in its place"):
        return found
    found.manifest = package.manifest
    check = _Check(package, pinned, witnesses, found, progress)
    try:
        if check.signature():
            check.content()
    except MaturityError as error:
        found.findings.append(str(error))
    return found


def series_ids(package: Package) -> dict[str, int]:
    """Number of each series key.

    Raises:
        PackageError: a key or a number comes twice.
    """
    series = package.frame(layout.SERIES_FILE, layout.SERIES)
    ids = dict(series.select("series_key", "series_id").iter_rows())
    if len(ids) != len(series) or len(set(ids.values())) != len(series):
        raise PackageError(f"{layout.SERIES_FILE} has a series twice.")
    return ids


@contextmanager
def _inside(member: str) -> Iterator[None]:
    """Name the member in which a signature is wrong."""
    try:
        yield
    except SignatureError as error:
        raise PackageError(f"{member}: {error}") from error


@dataclass(frozen=True)
class _Check:
    package: Package
    pinned: PublicKey
    witnesses: tuple[PublicKey, ...]
    found: Verification
    progress: Progress | None

    def signature(self) -> bool:
        """The signed statement, and the digest of every member."""
        with _inside(layout.LOG_RECORDS):
            keys = [period.key for period in rotation.key_periods(announced_keys(self.package), self.pinned)]
        trusted = keys[keys.index(self.pinned) :]
        envelope = self.package.read(layout.STATEMENT)
        signer = next((key for key in trusted if dsse.names(envelope, key)), self.pinned)
        with _inside(layout.STATEMENT):
            said = dsse.verify(envelope, signer).subjects
        self.found.signers.append(str(signer))
        have = {name for name in self.package.members if name != layout.STATEMENT}
        wrong = [f"{name}: it is not in the signed statement" for name in sorted(have - set(said))]
        wrong += [f"{name}: the package lacks it" for name in sorted(set(said) - have)]
        both = sorted(have & set(said))
        wrong += [f"{name}: it is not what was signed" for name in both if self._sha(name) != said[name]]
        return self.found.note(wrong, f"signed by {dsse.key_id(signer)}, with the digest of every member")

    def content(self) -> None:
        """The log, the values, the registries, the raw rows; then everything again."""
        logged = read_log(self.package)
        said = check_log(self.package, logged, self.pinned)
        self.found.note((), f"{len(logged.leaves)} records are in the signed log of {said.size} records")
        if self.witnesses:
            self.found.note(self._unwitnessed(said.size), f"witnessed at {said.size} records")
        stated = [f"{layout.VALUES_FILE}: {each}" for each in self._wrong_values(logged)]
        logged.forget()
        self.found.note(stated, f"{len(self.values)} KPI values are those of the log")
        self._baselines(logged)
        configs = self._configs()
        wrong = [
            f"{name}: it does not have the digest that it is called by"
            for digest in configs
            if self._sha(name := layout.config(digest)) != digest
        ]
        if self.found.note(wrong, f"{len(configs)} registries have the digests that the values name"):
            self._again(logged)

    @cached_property
    def values(self) -> pl.DataFrame:
        return self.package.compact_frame(layout.VALUES_FILE, layout.VALUES)

    def _again(self, logged: Logged) -> None:
        package, values, days = self.package, self.values, self.package.manifest.days
        expected = {day: sum(each["rows"] for each in series.values()) for day, series in logged.raw.items()}
        never = days_without_values(plain(values.select("grain", "production_day").unique()), days)
        raw, made = RawDays(package, series_ids(package), expected, never), Recomputation()
        impossible = pl.lit("the package has no values of its days", pl.String)
        if len(values):
            windows = plain(values.select(_PLANNED).unique())
            configs = plan_of(windows, days, (0, 2**62)).configs
            bounds = bounds_of(package.site(configs[days[0]]), package.site(configs[days[-1]]), days)
            impossible = why_not(days, bounds)
            made = recompute(package, raw, plan_of(windows, days, bounds), self.progress)
            outside = "the rows beside computed days lie outside of them"
            self.found.note(misplaced(package, raw, configs), outside)
            self._contexts({day: package.site(configs[day]) for day in days if day not in never}, logged)
        self.found.findings.extend(_left_out(never, logged))
        self.found.notices.extend(_missing_days(never, logged, days))
        rows = f"the raw rows of {len(days)} days are those that the log recorded"
        self.found.note(_wrong_rows(raw, logged, days), rows)
        self.found.note(_wrong_symbols(package), "texts have the numbers that are made of them")
        again = made.all_values()
        self.found.values = compared(values, again, impossible)
        self.found.criteria = list(criteria_again(package, again, made.all_intervals()))

    def _contexts(self, sites: Mapping[date, Site], logged: Logged) -> None:
        """Compare events, corrections, business records and carry with what the log recorded of each day."""
        covered, first = set(sites) & set(logged.context), self.package.manifest.first
        context = context_of(self.package)
        wrong = list(context_differences(context, sites, logged.context, first))
        if set(sites) == covered:
            wrong += self._stated_otherwise(context, sites)
        what = "events, corrections, business records and carry"
        if covered or wrong:
            self.found.note(wrong, f"{what} of {len(covered)} days are those that the log recorded")
        if unknown := sorted(set(sites) - covered):
            self.found.notices.append(
                f"{what} of {named(unknown)} are not covered by the log: no record here has their digests (the days "
                "were entered by an earlier version, or the record was left out)"
            )

    def _baselines(self, logged: Logged) -> None:
        """Compare what improvement is measured against with what was frozen."""
        stated = about_of(self.package).baselines if self.package.manifest.frameworks else {}
        if known := set(stated) & set(logged.baselines):
            self.found.note(other_baselines(stated, logged.baselines), f"{len(known)} baselines are those of the log")
        if unknown := sorted(set(stated) - known):
            many = f"{len(unknown)} baselines are stated and not in the log"
            self.found.notices.append(f"{many}: `haidang maturity assess` freezes and enters them")

    def _stated_otherwise(self, context: Context, sites: Mapping[date, Site]) -> Iterator[str]:
        """Hold the events and records that criteria read to those that KPIs are computed from."""
        if self.package.manifest.frameworks and sites:
            tables = {name: self.package.frame(layout.facts(name), FRAMES[name]) for name in ("events", "records")}
            about, last = about_of(self.package), self.package.manifest.last
            since, until = Facts(site=self.package.site(about.config), first=about.first, last=last).bounds_us
            lows, highs = zip(*(bounds_of_day(sites[day], day) for day in sites), strict=True)
            yield from stated_otherwise(context, tables, (max(since, min(lows)), min(until, max(highs))))

    def _wrong_values(self, logged: Logged) -> Iterator[str]:
        number = len(self.values) - self.values.select(pl.struct(layout.VALUE_KEY).n_unique()).item()
        if number:
            yield f"{number} values stand there twice"
        yield from log_differences(self.values, logged.values)

    def _configs(self) -> list[str]:
        kept = [name for name in self.package.members if name.startswith("config/")]
        return sorted({*self.values["config_digest"], *(name[len("config/") : -len(".json")] for name in kept)})

    def _unwitnessed(self, size: int) -> Iterator[str]:
        note = Note.parse(self.package.read(layout.LOG_CHECKPOINT).decode(errors="replace"))
        for key in self.witnesses:
            if note.signed_by([key]):
                self.found.signers.append(str(key))
            else:
                yield f"{key.name} has not witnessed the log at {size} records"

    def _sha(self, name: str) -> str:
        digest = sha256()
        if name not in self.package.members:
            raise PackageError(f"The package lacks {name}.")
        for block in zipped.blocks(self.package.path, self.package.members[name]):
            digest.update(block)
        return digest.hexdigest()


def _wrong_rows(raw: RawDays, logged: Logged, days: tuple[date, ...]) -> Iterator[str]:
    """Compare the rows of each series and day with what the log recorded of them."""
    for day in days:
        name = layout.readings_of(day)
        if name not in raw.digests:
            raw.load(name)
        have = {key: raw.digests[name].get(number) for key, number in raw.ids.items()} if name in raw.digests else {}
        said = logged.raw.get(day, {})
        for key in sorted({*said, *(key for key, rows in have.items() if rows)}):
            rows, recorded = have.get(key), said.get(key)
            if recorded is None:
                yield f"{name}: the log recorded no rows of {key}"
            elif rows is None:
                yield f"{name}: the rows of {key} are missing, of which the log recorded {recorded['rows']}"
            elif (rows.rows, rows.sha256) != (recorded["rows"], recorded["sha256"]):
                yield f"{name}: the rows of {key} are not those that the log recorded"


def _left_out(never: frozenset[date], logged: Logged) -> Iterator[str]:
    """Days whose readings were recorded when they were closed, and of which the package nevertheless has no value."""
    if hidden := sorted(never & set(logged.raw)):
        yield f"{layout.VALUES_FILE}: it has nothing of {named(hidden)}, though the log recorded readings: left out"


def _missing_days(never: frozenset[date], logged: Logged, days: tuple[date, ...]) -> Iterator[str]:
    """Days of which the package holds nothing, or no readings: it cannot prove that there was nothing."""
    if unknown := sorted(never - set(logged.raw)):
        yield f"no values and no record in the log: {named(unknown)} (never computed, or left out of the package)"
    if unread := sorted(set(days) - never - set(logged.raw)):
        yield f"values, but no record of raw rows in the log: {named(unread)} (no readings came, or they were left out)"


def _wrong_symbols(package: Package) -> Iterator[str]:
    name = layout.raw_table("symbols")
    for number, text in package.frame(name, layout.RAW_TABLES["symbols"]).iter_rows():
        if symbol_id(text) != number:
            yield f"{name}: {number} is not the number of the text {text!r}"
