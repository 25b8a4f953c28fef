"""What electricity costs: energy by tariff period and its prices, VAT, and the surcharge for a poor power factor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from model.tariffs import ReactiveRule

HALF_UP = 0.5 + 1e-6  # 40.625 is billed as 40.63, although division in binary gives a hair less


@dataclass(frozen=True)
class Bill:
    """Amounts in the currency of the prices."""

    net: float
    vat: float

    @property
    def total(self) -> float:
        return self.net + self.vat


def bill(kwh: Mapping[str, float], price: Mapping[str, float], vat_rate: float, surcharge_percent: float = 0.0) -> Bill:
    """Bill of energy (kWh) by period; the surcharge is a percentage of the energy's price, VAT is on both.

    Raises:
        KeyError: energy was used in a period without a price: it is not taken as free.
    """
    energy = sum(amount * price[period] for period, amount in sorted(kwh.items()))
    net = energy * (1 + surcharge_percent / 100)
    return Bill(net, net * vat_rate)


def reactive_surcharge_percent(cos_phi: float, rule: ReactiveRule) -> float:
    """Surcharge in percent of the energy bill for an average power factor, two decimals as it is billed.

    Source: EVN, rules on reactive power: k = (0.9 / cos phi - 1) * 100, fixed below 0.6.
    """
    if cos_phi >= rule.least_cos_phi:
        return 0.0
    if cos_phi < rule.floor_cos_phi:
        return rule.floor_percent
    return math.floor((rule.least_cos_phi / cos_phi - 1) * 1e4 + HALF_UP) / 100
