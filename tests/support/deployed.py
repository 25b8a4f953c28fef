"""The deployment files of this repository, and what `deploy/make-env` makes of them in a folder of a test's own."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SITE_ACCOUNT = "demo-plant"


def make_env(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `deploy/make-env` so that everything is made below the folder."""
    shutil.copy(ROOT / ".env.example", folder / ".env.example")
    return subprocess.run(
        [str(DEPLOY / "make-env"), *arguments],
        env={**os.environ, "HAIDANG_DEPLOY_ROOT": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def variables(file: Path) -> dict[str, str]:
    """The assignments of an env file."""
    lines = (line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)
