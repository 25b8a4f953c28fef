"""The rule by which the units below an asset stand for it, said in one sentence. Pure."""

from collections.abc import Sequence

from model.registry import Site


def rule_text(site: Site, asset: str, contributing: Sequence[str]) -> str:
    """Say how the units of an asset stand for it; '' where it has signals of its own or nothing below.

    Args:
        site: registry in force when the value was computed.
        asset: key of the scope of the value.
        contributing: keys of the assets whose pieces the value was made of.
    """
    found = next(each for each in site.assets if each.key == asset)
    if (asset in contributing and len(contributing) == 1) or not any(each.parent == asset for each in site.assets):
        return ""
    match found.roll_up:
        case "constraint":
            return f"constraint: time and counts of {found.constraint_key}"
        case "last":
            return f"last: counts of {found.last_key} in the time of {found.constraint_key or found.last_key}"
        case "parallel":
            return "parallel: time and counts of machines side by side, added"
        case _:
            return "sum: time and counts of all units below, added"
