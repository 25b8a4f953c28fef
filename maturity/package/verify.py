"""Checks a package without a database or a network: its bytes, its signature, the log, the raw rows, and everything
that was made of them, computed again.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from maturity import dsse, rotation, zipped
from maturity.checkpoint import Checkpoint
from maturity.errors import MaturityError, PackageError
from maturity.notes import Note, PublicKey
from maturity.package import layout
from maturity.package.comparing import COMPARED, Verdict, compared, log_differences
from maturity.package.content import Manifest, Package
from maturity.package.criteria import CriterionAgain, criteria_again, with_recomputed
from maturity.package.logged import Logged, announced_keys, check_log, read_log
from maturity.package.periods import bounds_of, plan_of, why_not
from maturity.package.recompute import Progress, Recomputation, recompute
from maturity.package.rows import RawDays
from model.vocabulary import symbol_id

MOST_FINDINGS = 200


@dataclass
class Verification:
    """What the check of a package came to.

    Attributes:
        manifest: what the package is of; null where that could not be read.
        findings: what is wrong, each as one sentence that names a member, a record or a value.
        checked: steps that were done, in words.
        values: every KPI value, stated and again (comparing.COMPARED).
        criteria: every criterion, stated and again.
        signers: keys whose signatures the package bears; those of witnesses are only checked where they were given.
    """

    manifest: Manifest | None = None
    findings: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COMPARED))
    criteria: list[CriterionAgain] = field(default_factory=list)
    signers: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong and nothing came out differently."""
        different = self.values.filter(pl.col("verdict") == Verdict.DIFFERENT.value)
        return not (self.findings or len(different) or any(each.verdict is Verdict.DIFFERENT for each in self.criteria))

    def note(self, found: list[str], done: str) -> bool:
        """Take the findings of a step; says whether there were none."""
        self.findings.extend(found[:MOST_FINDINGS])
        if len(found) > MOST_FINDINGS:
            self.findings.append(f"… and {len(found) - MOST_FINDINGS} more of this kind")
        if not found:
            self.checked.append(done)
        return not found

    def plain(self) -> dict[str, Any]:
        """As plain data, with all values."""
        rows = self.values.with_columns(pl.col("production_day").cast(pl.String))
        return {
            "good": self.is_good,
            "package": self.manifest.plain() if self.manifest else None,
            "findings": self.findings,
            "checked": self.checked,
            "signers": self.signers,
            "values": rows.to_dicts(),
            "criteria": [asdict(each) for each in self.criteria],
        }


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
    damaged = zipped.differences(path)
    if not found.note(
        [f"{name}: its bytes are damaged" for name in damaged],
        f"{len(package.members)} members, every byte in its place",
    ):
        return found
    found.manifest = package.manifest
    steps: tuple[Callable[[], bool], ...] = (
        lambda: _signature(package, pinned, found),
        lambda: _content(package, pinned, witnesses, found, progress),
    )
    for step in steps:
        try:
            if not step():
                break
        except MaturityError as error:
            found.findings.append(str(error))
            break
    return found


def _signature(package: Package, pinned: PublicKey, found: Verification) -> bool:
    """Check the signed statement and the digest of every member."""
    periods = rotation.key_periods(announced_keys(package), pinned)
    trusted = [period.key for period in periods]
    trusted = trusted[trusted.index(pinned) :]
    envelope = package.read(layout.STATEMENT)
    signer = next((key for key in trusted if dsse.names(envelope, key)), pinned)
    said = dsse.verify(envelope, signer).subjects
    found.signers.append(str(signer))
    names = {name for name in package.members if name != layout.STATEMENT}
    wrong = [f"{name}: it is not in the signed statement" for name in sorted(names - set(said))]
    wrong += [f"{name}: the package lacks it" for name in sorted(set(said) - names)]
    wrong += [
        f"{name}: it is not what was signed" for name in sorted(names & set(said)) if _sha(package, name) != said[name]
    ]
    return found.note(wrong, f"signed by {dsse.key_id(signer)}, which signs the digest of every member")


def _content(
    package: Package,
    pinned: PublicKey,
    witnesses: tuple[PublicKey, ...],
    found: Verification,
    progress: Progress | None,
) -> bool:
    logged = read_log(package)
    said = check_log(package, logged, pinned)
    found.note(
        _witnessed(package, witnesses, found),
        f"{len(logged.leaves)} records are in the signed log of {said.size} records",
    )
    values = package.frame(layout.VALUES_FILE, layout.VALUES)
    stated = [*_doubled(values), *log_differences(values, logged.values)]
    found.note([f"{layout.VALUES_FILE}: {each}" for each in stated], f"{len(values)} KPI values are those of the log")
    configs = {
        *values["config_digest"],
        *(name.split("/")[1].removesuffix(".json") for name in package.members if name.startswith("config/")),
    }
    wrong = list(_wrong_configs(package, sorted(configs)))
    if not found.note(wrong, f"{len(configs)} registries have the digests that the values name"):
        return False
    return _again(package, logged, values, found, progress)


def _again(
    package: Package, logged: Logged, values: pl.DataFrame, found: Verification, progress: Progress | None
) -> bool:
    days = package.manifest.days
    raw = RawDays(package, series_ids(package))
    made = Recomputation()
    impossible = pl.lit("the package has no values of its days", pl.String)
    if len(values):
        plan = plan_of(values, days, (0, 2**62))
        bounds = bounds_of(package.site(plan.configs[days[0]]), package.site(plan.configs[days[-1]]), days)
        plan, impossible = plan_of(values, days, bounds), why_not(days, bounds)
        made = recompute(package, raw, plan, progress)
    again = made.all_values()
    found.note(list(_wrong_rows(raw, logged, days)), f"the raw rows of {len(days)} days hash to what the log recorded")
    found.note(list(_wrong_symbols(package)), "texts have the numbers that are made of them")
    found.values = compared(values, again, impossible)
    found.criteria = list(criteria_again(package, with_recomputed(values, again), made.all_intervals()))
    return True


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


def _sha(package: Package, name: str) -> str:
    digest = sha256()
    for block in zipped.blocks(package.path, package.members[name]):
        digest.update(block)
    return digest.hexdigest()


def _witnessed(package: Package, witnesses: tuple[PublicKey, ...], found: Verification) -> list[str]:
    note = Note.parse(package.read(layout.LOG_CHECKPOINT).decode(errors="replace"))
    good = note.signed_by(list(witnesses))
    found.signers.extend(f"witness {key}" for key in good)
    size = Checkpoint.parse(note.text).size
    return [f"{key.name} has not witnessed the log at {size} records" for key in witnesses if key not in good]


def _doubled(values: pl.DataFrame) -> list[str]:
    number = len(values) - len(values.unique(list(layout.VALUE_KEY)))
    return [f"{number} values stand there twice"] if number else []


def _wrong_configs(package: Package, digests: list[str]) -> Iterator[str]:
    for digest in digests:
        name = layout.config(digest)
        if sha256(package.read(name)).hexdigest() != digest:
            yield f"{name}: it does not have the digest that it is called by"


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


def _wrong_symbols(package: Package) -> Iterator[str]:
    name = layout.raw_table("symbols")
    for number, text in package.frame(name, layout.RAW_TABLES["symbols"]).iter_rows():
        if symbol_id(text) != number:
            yield f"{name}: {number} is not the number of the text {text!r}"
