"""Start: `python -m dashboards build | check | publish`."""

import sys

from dashboards.cli import run

if __name__ == "__main__":
    sys.exit(run())
