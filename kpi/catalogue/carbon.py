"""Catalogue: greenhouse gases of the energy, fuels and refrigerants of a site."""

import polars as pl

from kpi.catalogue.entry import COARSE, Basis, Direction, Kpi

_good = pl.col("good") + pl.col("good_outside") + pl.col("unattributed_good")

CO2E_LOCATION = Kpi(
    id="co2e_location",
    name_vi="Phát thải CO2e (theo vị trí)",
    name_en="CO2e, location-based",
    explanation_vi="Phạm vi 2, điện mua: điện năng nhân hệ số lưới điện của năm tiêu thụ.",
    explanation_en="Scope 2, bought electricity: energy times the grid factor of the time of use.",
    formula="sum of kWh * factor valid at the time",
    unit="kg",
    basis=Basis.CARBON,
    inputs=("co2e_kg",),
    numerator=pl.col("co2e_kg"),
    direction=Direction.DOWN,
    lower=None,
    source="GHG Protocol Scope 2 Guidance; Circular 38/2023/TT-BCT",
)
SPECIFIC_CO2E = Kpi(
    id="specific_co2e",
    name_vi="Suất phát thải CO2e",
    name_en="Specific CO2e",
    explanation_vi="Phát thải điện trên một sản phẩm đạt.",
    explanation_en="Emissions of electricity per good piece.",
    formula="co2e_location / GQ",
    unit="kg/piece",
    basis=Basis.CARBON,
    inputs=("co2e_kg", "good", "good_outside", "unattributed_good"),
    numerator=pl.col("co2e_kg"),
    denominator=_good,
    direction=Direction.DOWN,
    lower=None,
    source="GHG Protocol Scope 2 Guidance",
    grains=COARSE,
    per_piece=True,
)
ENTRIES = (CO2E_LOCATION, SPECIFIC_CO2E)
