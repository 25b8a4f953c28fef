"""The rule by which the units below an asset stand for it, said in one sentence. Pure."""

from collections.abc import Sequence

from model.registry import Asset, Site


def rule_text(site: Site, asset: str, contributing: Sequence[str]) -> str:
    """Say how the units of an asset stand for it, and those of lines below it that have a rule of their own; '' where
    it has signals of its own or nothing below.

    Args:
        site: registry in force when the value was computed.
        asset: key of the scope of the value.
        contributing: keys of the assets whose pieces the value was made of.
    """
    found = next(each for each in site.assets if each.key == asset)
    if (asset in contributing and len(contributing) == 1) or not any(each.parent == asset for each in site.assets):
        return ""
    return "; ".join(
        [_said(found), *(f"{each.key} by {_said(each)}" for each in _with_rules(site, found, contributing))]
    )


def _with_rules(site: Site, scope: Asset, contributing: Sequence[str]) -> list[Asset]:
    """Lines between a scope and what contributes to it that are not merely added up, in the order of their keys."""
    assets = {each.key: each for each in site.assets}
    between: dict[str, Asset] = {}
    for key in contributing:
        above = assets[key].parent if key in assets else None
        while above is not None and above != scope.key:
            between[above] = assets[above]
            above = assets[above].parent
    return [each for _, each in sorted(between.items()) if each.roll_up != "sum"]


def _said(asset: Asset) -> str:
    match asset.roll_up:
        case "constraint":
            return f"constraint: time and counts of {asset.constraint_key}"
        case "last":
            return f"last: counts of {asset.last_key} in the time of {asset.constraint_key or asset.last_key}"
        case "parallel":
            return "parallel: time and counts of machines side by side, added"
        case _:
            return "sum: time and counts of all units below, added"
