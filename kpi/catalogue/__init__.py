"""The KPI catalogue: data and one expression each, for the job, the API, the console, the docs and explanations."""

from kpi.catalogue import baselines, capability, carbon, cost, energy, losses, maintenance, production, records, times
from kpi.catalogue.entry import Aggregation, Basis, Direction, Kpi

CATALOGUE: dict[str, Kpi] = {
    entry.id: entry
    for entry in (
        *times.ENTRIES,
        *production.ENTRIES,
        *losses.ENTRIES,
        *maintenance.ENTRIES,
        *energy.ENTRIES,
        *cost.ENTRIES,
        *carbon.ENTRIES,
        *baselines.ENTRIES,
        *records.ENTRIES,
        *capability.ENTRIES,
    )
}

__all__ = ["CATALOGUE", "Aggregation", "Basis", "Direction", "Kpi"]
