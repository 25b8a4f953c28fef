"""The site file: emission factors of electricity and fuels."""

from typing import Annotated, Literal

from pydantic import Field

from store.site_parts.base import Key, Part


class FactorPart(Part):
    zone: str
    year: Annotated[int, Field(ge=1990, le=2100)]
    kg_per_kwh: Annotated[float, Field(ge=0)]
    status: Literal["official", "estimate", "own"]
    origin: Literal["stated", "inferred", "default"]
    source: str
    basis: Literal["location", "residual"] = "location"


class FuelFactorPart(Part):
    """A fuel: kg of each gas per TJ on net calorific value; without calorific value or density each record says it."""

    fuel: Key
    co2_kg_per_tj: Annotated[float, Field(ge=0)]
    ch4_kg_per_tj: Annotated[float, Field(ge=0)]
    n2o_kg_per_tj: Annotated[float, Field(ge=0)]
    ncv_tj_per_gg: Annotated[float, Field(gt=0)] | None = None
    density_kg_per_l: Annotated[float, Field(gt=0)] | None = None
    biogenic: bool = False
    source: str


class FactorSetPart(Part):
    key: Key
    version: Annotated[int, Field(gt=0)] = 1
    name: str
    source: str
    factors: tuple[FactorPart, ...] = ()
    fuels: tuple[FuelFactorPart, ...] = ()
