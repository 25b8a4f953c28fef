"""Data files that come with the product: emission factors, state models, quantities."""

from functools import cache
from importlib.resources import files
from typing import Any

from model.shipped import shipped_yaml


@cache
def _read(name: str) -> Any:
    return shipped_yaml((files("model.data") / name).read_text("utf-8"))


def emission_factor_sets() -> list[dict[str, Any]]:
    """Shipped factor sets: key, version, name, source and yearly factors in kg/kWh."""
    sets: list[dict[str, Any]] = _read("emission_factors.yaml")["sets"]
    return sets


def state_models() -> dict[str, dict[str, dict[str, Any]]]:
    """Shipped state models: model -> state -> {time_class, sub_class?, needs_parts?, reason?}."""
    models: dict[str, dict[str, dict[str, Any]]] = _read("state_models.yaml")
    return models


def e10_state(item_state: str, operation_mode: str) -> str | None:
    """SEMI E10 state of an OPC UA item state and operation mode in any case, None for a pair without a known one."""
    wanted = item_state.casefold(), operation_mode.casefold()
    pairs = _read("opcua_to_e10.yaml").items()
    named = {(item.casefold(), mode.casefold()): e10 for item, modes in pairs for mode, e10 in modes.items()}
    return named.get(wanted)


def tariff_lists() -> dict[str, Any]:
    """Shipped time-of-use schedules, price lists and the rule about reactive power."""
    found: dict[str, Any] = _read("tariffs.yaml")
    return found


def fuel_factor_sets() -> list[dict[str, Any]]:
    """Shipped sets of factors of fuels, the default one first: key, version, name, source, fuels."""
    default = _read("fuels.yaml")
    others = [
        {**each, "fuels": {fuel: {**given, **each["fuels"].get(fuel, {})} for fuel, given in default["fuels"].items()}}
        for each in default["others"]
    ]
    return [_fuel_factor_set(each) for each in (default, *others)]


def _fuel_factor_set(head: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "fuel": fuel,
            **{f"{gas}_kg_per_tj": float(given[gas]) for gas in ("co2", "ch4", "n2o")},
            "ncv_tj_per_gg": given["ncv"],
            "density_kg_per_l": given["density"],
            "biogenic": given.get("biogenic", False),
            "source": given.get("source", head["source"]),
        }
        for fuel, given in head["fuels"].items()
    ]
    return {**{name: head[name] for name in ("key", "version", "name", "source")}, "factors": [], "fuels": rows}


def warming_potentials() -> dict[str, Any]:
    """Shipped global warming potentials by assessment report, and blends by mass share."""
    found: dict[str, Any] = _read("gwp.yaml")
    return found
