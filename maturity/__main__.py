"""`python -m maturity`: the evidence service, as the environment says; SIGTERM ends it."""

import sys

from maturity.service import main
from maturity.settings import EvidenceSettings
from store.usage import help_wanted

PURPOSE = "Enters final KPI values and digests of raw days into the evidence log, and signs it. SIGTERM ends it."

if __name__ == "__main__":
    sys.exit(0 if help_wanted("maturity", PURPOSE, EvidenceSettings, sys.argv) else main())
