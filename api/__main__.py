"""`python -m api`: serve the API and the console as the environment says, until told to stop."""

import signal
import socket
import sys

import structlog
import uvicorn
from pydantic import ValidationError

from api.app import create_app
from api.settings import ApiSettings, explain
from store.errors import StoreError
from store.revision import require_current
from store.usage import help_wanted

log = structlog.get_logger("api")

PURPOSE = "Serves the API and the console. Stops in order on SIGTERM."


def main() -> int:
    """Serve; 0 after an orderly stop, 1 where it cannot start, with one line that says what to do."""
    try:
        settings = ApiSettings()  # type: ignore[call-arg]  # from the environment
        require_current(settings.database_url)
        listener = listen(settings.api_host, settings.api_port)
    except ValidationError as error:
        return refuse(explain(error))
    except (StoreError, OSError) as error:
        return refuse(str(error))
    config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False, proxy_headers=False)
    host, port = listener.getsockname()[:2]
    log.info("api_listening", url=f"http://{host}:{port}/")
    for number in (signal.SIGTERM, signal.SIGINT):  # the server stops in order, then hands the signal on to these
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        OSError: it is taken or not ours to take; the sentence says what to do.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        advice = "Stop the other program, or choose another port with HAIDANG_API_PORT."
        raise OSError(f"Cannot listen on {host}:{port} ({error.strerror}). {advice}") from error


def refuse(sentence: str) -> int:
    """Say on one line why there is no start."""
    sys.stderr.write(f"haidang api: {' '.join(sentence.split())}\n")
    return 1


if __name__ == "__main__":
    sys.exit(0 if help_wanted("api", PURPOSE, ApiSettings, sys.argv) else main())
