"""`python -m api`: serve the API and the console as the environment says, until told to stop."""

import signal
import socket
import sys

import structlog
import uvicorn
from pydantic import ValidationError

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
    from api.app import create_app  # noqa: PLC0415 - takes seconds, and where it cannot start nobody waits for it

    # h11 refuses heads over 64 KiB; the other parser, taken by itself where it is installed, takes any.
    app = create_app(settings)
    config = uvicorn.Config(app, http="h11", log_level="warning", access_log=False, proxy_headers=False)
    server = uvicorn.Server(config)
    stop_on_signals(server)
    host, port = listener.getsockname()[:2]
    log.info("api_listening", url=f"http://{host}:{port}/")
    server.run(sockets=[listener])
    return 0


def stop_on_signals(server: uvicorn.Server) -> None:
    """Have the server stop in order, also on a signal that comes before it listens to them itself.

    An exception would be lost where the signal meets a callback of the garbage collector; the server hands signals on
    to these when it has stopped.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


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
