"""Start: `python -m dashboards build | check | publish`."""

import sys

try:
    from dashboards.cli import run
except ModuleNotFoundError as error:
    sys.exit(f"Dashboards need the Grafana libraries ({error.name} is missing): pip install 'haidang[grafana]'")

if __name__ == "__main__":
    sys.exit(run())
