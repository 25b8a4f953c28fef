"""The site file: what meters measure, contracts and tariffs of electricity."""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from model.tariffs import UnknownTariffError
from store.shipped_tariffs import listed_periods, listed_prices
from store.site_parts.base import ALWAYS, Key, Part, Weekday

# Quality criteria of the GHG Protocol Scope 2 Guidance, table 7.1, that every instrument must meet.
Criterion = Literal["conveys_emission_rate", "claimed_once", "tracked_and_retired", "vintage", "same_market"]


class EnergyContractPart(Part):
    """Electricity of a contract or certificate: an amount in its period or a share of what is used, with its factor."""

    key: Key
    kind: Literal["power_purchase", "supplier_rate", "certificate"]
    kg_per_kwh: Annotated[float, Field(ge=0)]
    valid_from: date
    valid_to: date | None = None
    amount_kwh: Annotated[float, Field(gt=0)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    criteria: tuple[Criterion, ...]
    source: str

    @model_validator(mode="after")
    def _covers_one_way(self) -> "EnergyContractPart":
        if (self.amount_kwh is None) == (self.share is None):
            raise ValueError("give either amount_kwh (of its whole period) or share (of what is used)")
        if self.valid_to is None and self.amount_kwh is not None:
            raise ValueError("an amount needs valid_to: it is of a period")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self


class TariffPeriodPart(Part):
    period: str
    days: tuple[Weekday, ...]
    start: time
    end: time


class TariffPart(Part):
    """Hours and prices from a date on: shipped ones by name (`schedule`, `price_list`) or the site's own."""

    key: Key
    valid_from: date
    valid_to: date | None = None
    schedule: str | None = None
    price_list: str | None = None
    customer: str = "manufacturing"
    voltage_kv: Annotated[float, Field(gt=0)] | None = None
    subscribed_kw: Annotated[float, Field(gt=0)] | None = None
    demand_price: Annotated[float, Field(ge=0)] | None = None  # of a two-part tariff, per kW and month, without VAT
    currency: str = "VND"
    vat_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    source: str = ""
    origin: Literal["stated", "inferred", "default"] | None = None
    periods: tuple[TariffPeriodPart, ...] = ()
    prices: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> "TariffPart":
        if self.periods and self.schedule:
            raise ValueError("give either schedule (a shipped one) or periods")
        if self.prices and self.price_list:
            raise ValueError("give either price_list (a shipped one) or prices")
        try:
            if not self.periods and not listed_periods(self):
                raise ValueError("give hours: periods, or the name of a shipped schedule or price_list")
            listed_prices(self)
        except UnknownTariffError as error:
            raise ValueError(str(error)) from error
        if self.demand_price is not None and (not self.source or self.origin is None):
            raise ValueError("no demand price is shipped: demand_price needs source and origin")
        if not self.price_list and (not self.source or self.origin is None):
            raise ValueError("prices and hours of your own need source and origin (stated, inferred or default)")
        return self


class RelationPart(Part):
    """What a meter measures, or which main meter measures it too; each for a share of its energy."""

    from_: Annotated[Key, Field(alias="from")]
    to: Key
    kind: Literal["meters", "submeter_of"]
    share: Annotated[float, Field(gt=0, le=1)] = 1
    valid_from: AwareDatetime = ALWAYS
    valid_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "RelationPart":
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self
