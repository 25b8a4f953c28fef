"""`python -m ingest`: store what machines publish, as the environment says, until told to stop."""

import sys

from ingest.start import main

if __name__ == "__main__":
    sys.exit(main())
