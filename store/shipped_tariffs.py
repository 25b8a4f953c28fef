"""Tariffs of a site file made complete: what a part takes from the shipped schedules and price lists. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol

from model.registry import TariffPeriod
from model.tariffs import Prices, prices, schedule


class Named(Protocol):
    """What a part of the file says about where its hours and prices come from."""

    @property
    def schedule(self) -> str | None: ...
    @property
    def price_list(self) -> str | None: ...
    @property
    def customer(self) -> str: ...
    @property
    def voltage_kv(self) -> float | None: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def listed_prices(part: Named) -> Prices | None:
    """Prices of the shipped list that a part names, None where it names none.

    Raises:
        ValueError: it says too little, or begins before the list is in force.
        UnknownTariffError: nothing of that name is shipped.
    """
    if part.price_list is None:
        return None
    if part.voltage_kv is None:
        raise ValueError("a price_list needs voltage_kv, the voltage of the supply: it picks the price")
    found = prices(part.price_list, part.customer, part.voltage_kv)
    if part.valid_from < found.valid_from:
        raise ValueError(
            f"price list {part.price_list} is in force from {found.valid_from}, not from {part.valid_from}"
        )
    return found


def listed_periods(part: Named) -> tuple[TariffPeriod, ...]:
    """Periods of the shipped schedule that a part names, or that goes with its price list; none where it names none.

    Raises:
        UnknownTariffError: nothing of that name is shipped.
    """
    found = listed_prices(part)
    name = part.schedule or (found.schedule if found else None)
    return schedule(name) if name else ()


def vat_eras(part: Named, own_rate: float | None) -> Iterator[dict[str, Any]]:
    """Cut a tariff where the rate of VAT of its price list ends: what it is afterwards nobody knows yet."""
    found = listed_prices(part)
    begin, end = part.valid_from, part.valid_to
    if own_rate is not None or found is None:
        yield {"valid_from": begin, "valid_to": end, "vat_rate": own_rate}
        return
    border = found.vat_valid_to
    if begin < border:
        yield {"valid_from": begin, "valid_to": min(border, end or border), "vat_rate": found.vat_rate}
    if end is None or end > border:
        yield {"valid_from": max(begin, border), "valid_to": end, "vat_rate": None}
