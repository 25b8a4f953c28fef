"""Every service explains itself."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.service import environment


@pytest.mark.parametrize("service", ["ingest", "kpi", "api", "simulators", "dashboards"])
def test_a_service_explains_itself_without_being_configured(service: str) -> None:
    command = [sys.executable, "-m", service, "--help"]
    env = environment({})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(f"usage: python -m {service}")
    assert "HAIDANG_" in done.stdout or service == "dashboards"
