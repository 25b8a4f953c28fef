"""Takes what sites hand over into a programme: signed summaries and evidence packages, by keys that it trusts."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from maturity import dsse
from maturity.entering import instant
from maturity.errors import CatalogueError, PackageError, ProgrammeError, SignatureError
from maturity.framework import Framework
from maturity.loading import framework as load_framework
from maturity.notes import PublicKey
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.verify import verify
from maturity.programme.summary import MOST_BYTES, Assessed, Summary, read, summarise
from model.canonical import digest
from store import access, assessments, programme
from store.pool import Connection

Progress = Callable[[int, int], None]
_CLOCKS_DIFFER = timedelta(hours=1)
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Imported:
    """What came of an import: the assessment, whether it is new here, and what to know of its catalogue."""

    assessment_id: int
    site: str
    framework: str
    is_new: bool
    note: str | None


@dataclass(frozen=True)
class _Given:
    """What was read from a file, and by which key."""

    kind: Literal["summary", "package"]
    summary: Summary
    site_id: int
    key: str
    sha256: bytes
    envelope: str | None


def import_file(connection: Connection, path: Path, progress: Progress | None = None) -> list[Imported]:
    """Take a summary, or a package after checking all of it, into the programme.

    Args:
        connection: autocommit.
        path: of the file.
        progress: told the days of a package that are computed again, and all of them.

    Raises:
        SignatureError: no trusted key signed it, or it was changed.
        ProgrammeError: it contradicts itself, is older than what is here, or cannot be read.
        PackageError: it is no package of ours.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ProgrammeError(f"{path} cannot be read: {error.strerror}.") from error
    trusted = programme.pinned(connection)
    if head.startswith(_ZIP):
        given = _of_package(path, trusted, progress)
    elif len(head) > MOST_BYTES:
        raise ProgrammeError(f"{path} is larger than a summary can be ({MOST_BYTES:,} bytes).")
    else:
        if not _is_envelope(head):
            raise ProgrammeError(
                f"{path} is neither a signed summary nor a package: `haidang programme summary` or `haidang evidence "
                "export` writes one at the site."
            )
        given = [_of_summary(head, trusted)]
    with connection.transaction():
        return [_keep(connection, each) for each in given]


def _is_envelope(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content)["signatures"], list)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _of_summary(envelope: bytes, trusted: list[programme.PinnedKey]) -> _Given:
    named = [each for each in trusted if dsse.names(envelope, PublicKey.parse(each.key))]
    if not named:
        raise SignatureError(
            "The summary is signed by no key that is trusted here; `haidang programme trust KEY --site S` trusts one."
        )
    summary = read(envelope, PublicKey.parse(named[0].key))
    pinned = next((each for each in named if each.site == summary.site), None)
    if pinned is None:
        sites = ", ".join(each.site for each in named)
        raise SignatureError(f"The key of the summary is trusted for {sites}, not for {summary.site}.")
    sha = hashlib.sha256(envelope).digest()
    return _Given("summary", summary, pinned.site_id, pinned.key, sha, envelope.decode())


def _of_package(path: Path, trusted: list[programme.PinnedKey], progress: Progress | None) -> list[_Given]:
    package = Package.open(path)
    site = package.manifest.site
    keys = [each for each in trusted if each.site == site]
    if not keys:
        raise SignatureError(f"No key is trusted for site {site!r}; `haidang programme trust KEY --site {site}` does.")
    pinned = _checked(path, keys, progress)
    if not package.manifest.frameworks:
        raise ProgrammeError("The package holds no assessment: export it with a framework.")
    made_at = _made_at(package)
    with path.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256")
    given = []
    for number, key in enumerate(package.manifest.frameworks):
        plain = package.json(layout.criteria(key))
        assessed = Assessed(plain, _catalogue(package, key), _confirmed(plain))
        own = hashlib.sha256(sha.digest() + key.encode()).digest() if number else sha.digest()
        given.append(_Given("package", summarise(assessed, made_at), pinned.site_id, pinned.key, own, None))
    return given


def _checked(path: Path, keys: list[programme.PinnedKey], progress: Progress | None) -> programme.PinnedKey:
    """The key by which the whole package is right; one that did not sign it is found out at once."""
    wrong = ""
    for each in keys:
        found = verify(path, PublicKey.parse(each.key), progress=progress)
        if found.is_good:
            return each
        wrong = wrong or next(iter(found.findings), "values or criteria come out differently")
    raise ProgrammeError(f"The package is not right: {wrong} `haidang evidence verify` says all.")


def _catalogue(package: Package, key: str) -> Framework:
    try:
        return Framework.model_validate(package.json(layout.catalogue(key)))
    except ValidationError as error:
        raise PackageError(f"{layout.catalogue(key)} is no catalogue.") from error


def _confirmed(plain: Mapping[str, Any]) -> dict[str, int]:
    stands = [*plain.get("principles", ()), *plain.get("areas", ())]
    return {each["key"]: each["confirmed"] for each in stands if isinstance(each.get("confirmed"), int)}


def _made_at(package: Package) -> datetime:
    """When the newest value inside was computed."""
    newest = package.frame(layout.VALUES_FILE, layout.VALUES)["computed_us"].max()
    if not isinstance(newest, int):
        raise ProgrammeError("The package holds no values.")
    return datetime.fromtimestamp(newest / 1e6, UTC)


def _keep(connection: Connection, given: _Given) -> Imported:
    summary = given.summary
    catalogue, sha = summary.catalogue, summary.catalogue_digest
    if summary.made_at > datetime.now(UTC) + _CLOCKS_DIFFER:
        raise ProgrammeError(
            f"This {given.kind} of {summary.site} was made at {instant(summary.made_at)}, which is yet to come: "
            "no later one could take its place. Set the clock of the site right and make it again."
        )
    programme.lock_site(connection, given.site_id)
    note = _note(catalogue, sha)
    known = programme.imported_file(connection, given.sha256)
    if known is not None:
        return Imported(known, summary.site, catalogue.key, is_new=False, note=note)
    period = (summary.first, summary.last)
    before = programme.newest_import(connection, given.site_id, catalogue.key, period, given.kind)
    if before and before.made_at and summary.made_at < before.made_at:
        raise ProgrammeError(
            f"This {given.kind} of {summary.site} was made at {instant(summary.made_at)}; a newer one of the period, "
            f"made at {instant(before.made_at)}, is here already."
        )
    assessments.keep_framework(connection, sha, catalogue.key, catalogue.version, catalogue.plain())
    row = {
        "site_id": given.site_id,
        "framework": catalogue.key,
        "framework_version": catalogue.version,
        "catalogue_digest": sha,
        "first": summary.first,
        "last": summary.last,
        "result": summary.result(),
        "number": before.number + 1 if before else 1,
        "supersedes": before.assessment_id if before else None,
        "kind": given.kind,
        "key": given.key,
        "sha256": given.sha256,
        "made_at": summary.made_at,
        "envelope": given.envelope,
    }
    id_ = programme.insert(connection, row)
    access.record_audit(connection, None, "programme.import", summary.site, {"assessment": id_, "kind": given.kind})
    return Imported(id_, summary.site, catalogue.key, is_new=True, note=note)


def _note(catalogue: Framework, sha: str) -> str | None:
    """What to know where the site was assessed with another catalogue than the one here."""
    try:
        ours = load_framework(catalogue.key)
    except CatalogueError:
        return f"The catalogue {catalogue.key} is not one that this version of haidang ships."
    if digest(ours.plain()) == sha:
        return None
    return (
        f"It was assessed with version {catalogue.version} of {catalogue.key}, which differs from the version "
        f"{ours.version} here: it is compared only with sites that used the same."
    )
