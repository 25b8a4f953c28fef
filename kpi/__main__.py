"""`python -m kpi`: the KPI job as a service, as the environment says; SIGTERM ends it after the span in hand."""

import sys

from kpi.running.settings import KpiSettings
from kpi.running.start import main
from store.usage import help_wanted

PURPOSE = "Computes what new data and changes have made dirty, and closes days. SIGTERM ends it after the span in hand."

if __name__ == "__main__":
    sys.exit(0 if help_wanted("kpi", PURPOSE, KpiSettings, sys.argv) else main())
