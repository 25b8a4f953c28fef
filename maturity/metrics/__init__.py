"""Everything that a criterion may measure, by the name that catalogues use; one module per kind of data."""

from maturity.metrics import of_declarations, of_kpis
from maturity.metrics.measured import Metric, Metrics

METRICS: dict[str, Metric] = Metrics(**of_kpis.METRICS, **of_declarations.METRICS)
