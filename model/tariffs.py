"""Shipped time-of-use schedules and price lists of electricity: what a site may name in its own dated tariff."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from model.data import tariff_lists
from model.registry import TariffPeriod

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class UnknownTariffError(KeyError):
    """A schedule, price list, customer or voltage that is not shipped."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Prices:
    """Prices in currency per kWh by period, without VAT, of one kind of customer from a voltage on.

    The rate of VAT is known for dates before `vat_valid_to`; `schedule` are the hours that the list is billed with
    unless the site names others.
    """

    of_period: dict[str, float]
    currency: str
    vat_rate: float
    vat_valid_to: date
    valid_from: date
    schedule: str
    source: str
    origin: str


@dataclass(frozen=True)
class ReactiveRule:
    """What a poor power factor costs; percent of the energy bill."""

    from_kw: float
    least_cos_phi: float
    floor_cos_phi: float
    floor_percent: float
    source: str


def schedule(key: str) -> tuple[TariffPeriod, ...]:
    """Periods of a shipped schedule.

    Raises:
        UnknownTariffError: nothing of that name is shipped.
    """
    found = _known(tariff_lists()["schedules"], key, "schedule")
    return tuple(
        TariffPeriod(period=part["period"], weekdays=_weekdays(part["days"]), start=start, end=_wall(end))
        for part in found["periods"]
        for start, _, end in (span.partition("-") for span in part["spans"])
    )


def prices(key: str, customer: str, voltage_kv: float) -> Prices:
    """Prices of a shipped list for a kind of customer supplied at a voltage in kV.

    Raises:
        UnknownTariffError: the list or the kind of customer is not shipped.
    """
    found = _known(tariff_lists()["price_lists"], key, "price list")
    rows = _known(found["prices"], customer, "customer")
    row = next(row for row in rows if voltage_kv >= row["from_kv"])
    of_period = {name: float(price) for name, price in row.items() if name != "from_kv"}
    rest = ("currency", "vat_rate", "vat_valid_to", "valid_from", "schedule", "source", "origin")
    return Prices(of_period, **{name: found[name] for name in rest})


def reactive_rule() -> ReactiveRule:
    """The shipped rule about reactive power."""
    found = {name: value for name, value in tariff_lists()["reactive_power"].items() if name != "origin"}
    return ReactiveRule(**found)


def _known(found: dict[str, Any], key: str, what: str) -> Any:
    if key not in found:
        raise UnknownTariffError(f"no {what} {key!r} is shipped; there are: {', '.join(sorted(found))}")
    return found[key]


def _weekdays(days: list[str]) -> tuple[int, ...]:
    return tuple(_WEEKDAYS.index(day) for day in days)


def _wall(end: str) -> str:
    """Midnight at the end of a day is the start of the next: an end not after its start is taken so."""
    return "00:00" if end == "24:00" else end
