"""`python -m ingest`: store what machines publish, as the environment says, until told to stop."""

import sys

from ingest.settings import IngestSettings
from ingest.start import main
from store.usage import help_wanted

PURPOSE = "Stores what machines publish: MQTT to TimescaleDB, acknowledged after the commit. Stops in order on SIGTERM."

if __name__ == "__main__":
    sys.exit(0 if help_wanted("ingest", PURPOSE, IngestSettings, sys.argv) else main())
