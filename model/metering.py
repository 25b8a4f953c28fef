"""Which meter measures what: shares of meters, sub-meters of main meters, and which relations would count energy twice.

In: relations of the registry. Out: problems as sentences, and how much of a meter's energy others have counted already.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from model.registry import AssetRelation, Site

METERS, SUBMETER = "meters", "submeter_of"
METER_KIND = "meter"  # of an asset that only measures
METERED = frozenset({"active_energy", "active_power"})
REACTIVE = frozenset({"reactive_energy", "reactive_power"})
_SLACK = 1e-9  # of shares written with a few digits


def relation_problems(
    relations: Iterable[AssetRelation],
    metered: AbstractSet[str],
    own: AbstractSet[str],
    parents: Mapping[str, str | None],
) -> list[str]:
    """Say in one sentence each what is wrong with relations that hold at the same time.

    Args:
        relations: of one instant.
        metered: assets with a series of energy or power.
        own: those that measure themselves: metered, and not a mere meter (kind `meter`).
        parents: the parent of every asset.
    """
    found = list(relations)
    return [
        *_ends(found, metered, own),
        *_too_much(found),
        *_nested([each for each in found if each.kind == METERS], parents),
        *_rings([each for each in found if each.kind == SUBMETER]),
    ]


def reactive_assets(site: Site) -> list[str]:
    """List the assets whose reactive energy is measured, by themselves or by what meters them."""
    found = {each.asset for each in site.series if each.quantity in REACTIVE}
    found |= {each.to_asset for each in site.relations if each.kind == METERS and each.from_asset in found}
    return sorted(found)


def counted_by(key: str, counted: Collection[str], mains: Mapping[str, Mapping[str, float]]) -> float:
    """Tell which share of a meter's energy is in what the meters `counted` measure, through its main meters.

    Args:
        key: the meter.
        counted: meters that are counted in full.
        mains: main meters of each sub-meter with the share that they measure; without rings.
    """
    shares = mains.get(key, {})
    covered = (
        share if main in counted else share * counted_by(main, counted, mains) for main, share in sorted(shares.items())
    )
    return min(1.0, sum(covered))


def _ends(relations: list[AssetRelation], metered: AbstractSet[str], own: AbstractSet[str]) -> list[str]:
    sources = {each.from_asset for each in relations if each.kind == METERS}
    reached = metered | {each.to_asset for each in relations if each.kind == METERS}
    problems = []
    for each in relations:
        name = f"{each.from_asset} {each.kind} {each.to_asset}"
        if each.from_asset == each.to_asset:
            problems.append(f"{name}: a meter is not related to itself")
        elif each.from_asset not in metered:
            problems.append(f"{name}: {each.from_asset!r} has no series of active energy or power")
        elif each.kind == SUBMETER and each.to_asset not in reached:
            problems.append(f"{name}: nothing measures the energy of {each.to_asset!r}")
        elif each.kind == METERS and each.to_asset in own:
            problems.append(f"{name}: {each.to_asset!r} measures itself, its energy would be counted twice")
        elif each.kind == METERS and (each.to_asset in sources or each.to_asset in metered):
            problems.append(f"{name}: {each.to_asset!r} is a meter itself, its energy would be counted twice")
    return problems


def _too_much(relations: list[AssetRelation]) -> list[str]:
    sums: dict[tuple[str, str], float] = {}
    for each in relations:
        key = each.from_asset, each.kind
        sums[key] = sums.get(key, 0.0) + each.share
    return [
        f"the shares of {asset!r} ({kind}) add up to {total:g}: what is beyond 1 would be counted twice"
        for (asset, kind), total in sums.items()
        if total > 1 + _SLACK
    ]


def _nested(meters: list[AssetRelation], parents: Mapping[str, str | None]) -> list[str]:
    """A meter of an asset and of something below it: the lower one would hide its share from the upper one."""
    measured: dict[str, set[str]] = {}
    for each in meters:
        measured.setdefault(each.from_asset, set()).add(each.to_asset)
    return [
        f"{meter!r} meters {key!r} and {up!r} above it: energy would be counted twice"
        for meter, keys in measured.items()
        for key in sorted(keys)
        for up in sorted(keys & _above(key, parents))
    ]


def _above(key: str, parents: Mapping[str, str | None]) -> set[str]:
    found: set[str] = set()
    up = parents.get(key)
    while up is not None and up not in found:
        found.add(up)
        up = parents.get(up)
    return found


def _rings(submeters: list[AssetRelation]) -> list[str]:
    mains: dict[str, set[str]] = {}
    for each in submeters:
        if each.from_asset != each.to_asset:
            mains.setdefault(each.from_asset, set()).add(each.to_asset)
    return [f"{key!r} is a sub-meter of itself, through {via}" for key in mains if (via := _way_back(key, mains))]


def _way_back(key: str, mains: Mapping[str, set[str]]) -> str:
    seen: set[str] = set()
    ahead = sorted(mains.get(key, ()))
    while ahead:
        at = ahead.pop()
        if key in mains.get(at, ()):
            return repr(at)
        if at not in seen:
            seen.add(at)
            ahead += sorted(mains.get(at, ()))
    return ""
