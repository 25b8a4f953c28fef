"""Where things are: the checkout, and the recordings beside it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shared_data() -> Path:
    """Folder of the recordings: HAIDANG_SHARED_DATA, else `../shared/data` beside the checkout."""
    named = os.environ.get("HAIDANG_SHARED_DATA")
    return Path(named) if named else ROOT.parent / "shared" / "data"
