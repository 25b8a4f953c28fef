"""The pure KPI computation: `compute(Inputs) -> Tables`; it knows no database and no clock."""

from kpi.compute.plan import read_range
from kpi.compute.run import compute

__all__ = ["compute", "read_range"]
