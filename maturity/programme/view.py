"""Many sites beside each other: levels, common gaps, technology groups most lacking, claims against data. Pure.

Only sites that were assessed with the same catalogue, version and content, are compared; others are listed and said to
be left out. Comparison bands (quartiles) name no site and are given only for enough sites.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any, Literal

from maturity.errors import ProgrammeError

FEWEST_SITES = 5
LEAST_FEWEST = 3  # of two, each knows the other
_MOST_GAPS = 20


@dataclass(frozen=True)
class Entry:
    """A site's current assessment, `result` in the form in which assessments are kept."""

    site: str
    name: str
    origin: Literal["local", "imported"]
    result: Mapping[str, Any]
    confirmed: Mapping[str, int]

    @property
    def catalogue(self) -> str:
        """Digest of the catalogue that it was made with."""
        return str(self.result["framework"]["digest"])

    @property
    def version(self) -> int:
        """Version of that catalogue."""
        return int(self.result["framework"]["version"])

    @property
    def principles(self) -> list[Mapping[str, Any]]:
        """Levels of the principles."""
        return list(self.result["principles"])


@dataclass(frozen=True)
class SiteRow:
    """A site: levels by principle, and whether it is compared with the others."""

    site: str
    name: str
    origin: str
    first: str
    last: str
    framework_version: int
    compared: bool
    supported: Mapping[str, int]
    claimed: Mapping[str, int | None]
    confirmed: Mapping[str, int]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class CommonGap:
    """A criterion that keeps sites from their next level."""

    criterion: str
    sites: int
    contradicted: int
    not_assessable: int


@dataclass(frozen=True)
class LackingGroup:
    """A technology group that sites lack for their next levels; criteria that it alone would open, over all sites."""

    group: str
    sites: int
    opens: int


@dataclass(frozen=True)
class Claims:
    """Claims of a principle beside what data support: number of sites."""

    principle: str
    above: int
    equal: int
    below: int
    without: int


@dataclass(frozen=True)
class Band:
    """Quartiles of the supported levels of a principle."""

    principle: str
    lowest_quarter: float
    median: float
    highest_quarter: float


@dataclass(frozen=True)
class ProgrammeView:
    """What the sites say together; `bands` is null with the reason where there are too few of them."""

    framework: str
    framework_version: int | None
    sites: tuple[SiteRow, ...]
    compared: int
    fewest: int  # compared sites from which on bands are given
    gaps: tuple[CommonGap, ...]
    groups: tuple[LackingGroup, ...]
    claims: tuple[Claims, ...]
    bands: tuple[Band, ...] | None
    bands_refused: str | None

    def plain(self, *, anonymous: bool = False) -> dict[str, Any]:
        """As plain data.

        Args:
            anonymous: without anything that belongs to one site.

        Raises:
            ProgrammeError: anonymous, and there are too few sites.
        """
        if anonymous:
            self.require_enough()
        return asdict(self) | ({"sites": ()} if anonymous else {})

    def require_enough(self) -> None:
        """Refuse where there are too few sites to hide among.

        Raises:
            ProgrammeError: there are too few.
        """
        if self.bands_refused:
            raise ProgrammeError(self.bands_refused)


def programme_view(framework: str, entries: Sequence[Entry], fewest: int = FEWEST_SITES) -> ProgrammeView:
    """Set the sites of a programme beside each other.

    Args:
        framework: key of the framework.
        entries: the current assessment of each site.
        fewest: number of compared sites from which on comparison bands are given; 3 at least.

    Raises:
        ProgrammeError: fewer sites are asked for than can hide anybody.
    """
    if fewest < LEAST_FEWEST:
        raise ProgrammeError(f"Comparison bands need at least {LEAST_FEWEST} sites: of two, each knows the other.")
    reference = _reference(entries)
    same = [each for each in entries if each.catalogue == reference]
    refused = None
    if len(same) < fewest:
        refused = f"Comparison bands need at least {fewest} sites; there are {len(same)} with the same catalogue."
    return ProgrammeView(
        framework=framework,
        framework_version=same[0].version if same else None,
        sites=tuple(_row(each, each.catalogue == reference) for each in sorted(entries, key=lambda each: each.site)),
        compared=len(same),
        fewest=fewest,
        gaps=tuple(_gaps(same)[:_MOST_GAPS]),
        groups=tuple(_groups(same)),
        claims=tuple(_claims(same)),
        bands=None if refused else tuple(_bands(same)),
        bands_refused=refused,
    )


def _reference(entries: Sequence[Entry]) -> str | None:
    """The catalogue of most sites; of those that as many have, the newest version."""
    times = Counter(each.catalogue for each in entries)
    ranked = sorted(entries, key=lambda each: (times[each.catalogue], each.version, each.catalogue))
    return ranked[-1].catalogue if ranked else None


def _row(entry: Entry, compared: bool) -> SiteRow:
    result = entry.result
    keys = [each["key"] for each in entry.principles]
    return SiteRow(
        site=entry.site,
        name=entry.name,
        origin=entry.origin,
        first=result["period"]["first"],
        last=result["period"]["last"],
        framework_version=entry.version,
        compared=compared,
        supported={each["key"]: each["supported"] for each in entry.principles},
        claimed={each["key"]: each["claimed"] for each in entry.principles},
        confirmed={key: entry.confirmed[key] for key in keys if key in entry.confirmed},
        counts=dict(result["counts"]),
    )


def _gaps(entries: Sequence[Entry]) -> list[CommonGap]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        outcomes = {each["id"]: each["outcome"] for each in entry.result["criteria"]}
        for name in {each["id"] for each in entry.result["gaps"]["open"]}:
            found[name][outcomes.get(name, "not_assessable")] += 1
    gaps = [CommonGap(name, each.total(), each["contradicted"], each["not_assessable"]) for name, each in found.items()]
    return sorted(gaps, key=lambda each: (-each.sites, -each.contradicted, each.criterion))


def _groups(entries: Sequence[Entry]) -> list[LackingGroup]:
    sites: Counter[str] = Counter()
    opens: Counter[str] = Counter()
    for entry in entries:
        for each in entry.result["gaps"]["unlocks"]:
            sites[each["group"]] += 1
            opens[each["group"]] += len(each["opens"])
    found = [LackingGroup(group, number, opens[group]) for group, number in sites.items()]
    return sorted(found, key=lambda each: (-each.sites, -each.opens, each.group))


def _claims(entries: Sequence[Entry]) -> list[Claims]:
    found = []
    for key, levels in _by_principle(entries).items():
        said = [(each["claimed"], each["supported"]) for each in levels if each["claimed"] is not None]
        above = sum(claimed > supported for claimed, supported in said)
        below = sum(claimed < supported for claimed, supported in said)
        found.append(Claims(key, above, len(said) - above - below, below, len(levels) - len(said)))
    return found


def _bands(entries: Sequence[Entry]) -> list[Band]:
    return [
        Band(key, *quantiles([each["supported"] for each in levels], n=4, method="inclusive"))
        for key, levels in _by_principle(entries).items()
    ]


def _by_principle(entries: Sequence[Entry]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        for each in entry.principles:
            found.setdefault(each["key"], []).append(each)
    return found
