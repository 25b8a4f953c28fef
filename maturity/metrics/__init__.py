"""Everything that a criterion may measure, by the name that catalogues use; one module per kind of data."""

from maturity.metrics import (
    of_data,
    of_declarations,
    of_energy,
    of_kpis,
    of_models,
    of_predictions,
    of_production,
    of_record_rules,
    of_records,
    of_states,
)
from maturity.metrics.measured import Metric, Metrics

_MODULES = (
    *(of_kpis, of_states, of_production, of_data, of_energy),
    *(of_predictions, of_records, of_record_rules, of_models, of_declarations),
)
METRICS: dict[str, Metric] = Metrics({name: metric for module in _MODULES for name, metric in module.METRICS.items()})
