"""`python -m kpi`: the KPI job as a service, as the environment says; SIGTERM ends it after the span in hand."""

import sys

from kpi.start import main

if __name__ == "__main__":
    sys.exit(main())
