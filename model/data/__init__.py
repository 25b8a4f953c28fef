"""Data files that come with the product: emission factors, state models, quantities."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((files("model.data") / name).read_text("utf-8"))


def emission_factor_sets() -> list[dict[str, Any]]:
    """Shipped factor sets: key, version, name, source and yearly factors in kg/kWh."""
    sets: list[dict[str, Any]] = _read("emission_factors.yaml")["sets"]
    return sets


def state_models() -> dict[str, dict[str, dict[str, Any]]]:
    """Shipped state models: model -> state -> {time_class, sub_class?, needs_parts?, reason?}."""
    models: dict[str, dict[str, dict[str, Any]]] = _read("state_models.yaml")
    return models
