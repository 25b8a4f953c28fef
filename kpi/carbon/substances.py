"""Rows of fuel and refrigerant tables at the edge: checked, and their amounts brought to kg, l or TJ.

A fuel row has `fuel`, `amount`, `unit` and, where the factor set has none or another is better known,
`density_kg_per_l` and `ncv_tj_per_gg`; a refrigerant row has `gas`, `amount`, `unit`. What was stated is kept beside.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kpi.carbon.warming import NoFactorError, gwp
from kpi.compute.substances import SPREAD, fuel_tj
from model.record_sets import RECORD_SETS
from model.registry import Site
from model.units import DimensionError, UnitError, conversion

_TARGETS = (
    ("mass_kg", "mass", "kg", 1.0),
    ("volume_l", "volume", "l", 1.0),
    ("energy_tj", "active_energy", "MJ", 1e-6),
)
Payload = dict[str, Any]


def reader_of(kind: str, site: Site) -> Callable[[Mapping[str, Any], bool], Payload]:
    """Give the function that checks what a row of the kind says.

    It takes the cells and whether the row has an end, and raises ValueError with the reason.
    """
    stated = RECORD_SETS[kind]
    if kind not in SPREAD:
        return lambda said, _: stated.checked(said)
    return lambda said, ended: _checked(kind, site, stated.checked(said), ended=ended)


def _checked(kind: str, site: Site, said: Mapping[str, Any], *, ended: bool) -> Payload:
    if not ended:
        raise ValueError("has no end: what is burned or lost counts over its time")
    payload = {**said, **_amount(said)}
    if kind == "refrigerant":
        return _refrigerant(payload, site)
    fuels = {each.fuel: each for each in site.fuel_factors}
    if said.get("fuel") not in fuels:
        raise ValueError(f"fuel {said.get('fuel')!r} is not in {site.fuel_set}; known: {', '.join(sorted(fuels))}")
    if fuel_tj(payload, fuels) is None:
        raise ValueError(f"{said['fuel']}: density_kg_per_l or ncv_tj_per_gg is missing, and {site.fuel_set} has none")
    return payload


def _refrigerant(payload: Payload, site: Site) -> Payload:
    if "mass_kg" not in payload:
        raise ValueError("a refrigerant is stated by mass")
    try:
        gwp(str(payload.get("gas") or ""), site.gwp_set)
    except NoFactorError as error:
        raise ValueError(str(error)) from error
    return payload


def _amount(said: Mapping[str, Any]) -> dict[str, float]:
    """The amount under the name of the unit that it is counted in."""
    amount, unit = said.get("amount"), said.get("unit")
    if not isinstance(amount, int | float) or amount < 0:
        raise ValueError(f"amount {amount!r} is no amount")
    if not unit:
        raise ValueError("has no unit such as kg, l or m3")
    for name, quantity, target, scale in _TARGETS:
        try:
            return {name: amount * conversion(str(unit), quantity, target).scale * scale}
        except DimensionError:
            continue
        except UnitError as error:
            raise ValueError(str(error)) from error
    raise ValueError(f"unit {unit!r} is neither mass, volume nor energy")
