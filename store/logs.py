"""How the services log: one line per event on standard error, for people or for machines."""

import sys
from typing import Literal

import structlog


def configure_log(log_format: Literal["text", "json"], **always: str) -> None:
    """Set up the log of this process; what is given stands in every line, unless it is empty."""
    stamped = {name: value for name, value in always.items() if value}
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            lambda _logger, _method, event: {**event, **stamped},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
