"""The chart script (Vega, Vega-Lite, Vega-Embed), made from the installed vl-convert-python; nothing is fetched.

Making it takes seconds of processor time, so it is kept in the user's cache folder and made ahead in the background.
"""

import contextlib
import importlib
import os
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import structlog
import vl_convert

NAME = "-".join(
    ("vega", vl_convert.get_vega_version(), vl_convert.get_vegalite_versions()[-1], version("vl-convert-python"))
)
FILE_NAME = f"{NAME}.js"

_lock = threading.Lock()
_made: list[bytes] = []
log = structlog.get_logger("api")


def script() -> bytes:
    """The script: from memory, from the cache folder, or made now by the first who asks."""
    with _lock:
        if not _made:
            _made.append(_from_cache() or _make())
        return _made[0]


def make_ahead() -> None:
    """Have the script, and the library that writes charts, ready before a browser asks."""

    def work() -> None:
        script()
        importlib.import_module("altair")

    threading.Thread(target=work, name="chart script", daemon=True).start()


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "haidang"


def _from_cache() -> bytes | None:
    try:
        return (_folder() / FILE_NAME).read_bytes() or None
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None


def _make() -> bytes:
    # The stub asks for a snippet; this one is the package's own default.
    snippet = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"
    made = str(vl_convert.javascript_bundle(snippet)).encode()
    # Without a writable cache it is made again at the next start, nothing else.
    with contextlib.suppress(OSError, RuntimeError):
        _keep(made)
    return made


def _keep(made: bytes) -> None:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(made)
    Path(file.name).replace(folder / FILE_NAME)
