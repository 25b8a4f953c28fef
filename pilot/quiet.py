"""Commands that show their own progress keep the rooms' logs to warnings, on the error stream."""

import logging
import sys


def only_warnings() -> None:
    """Let through what went wrong, and nothing else; an error without the values of variables, which may be secrets."""
    import structlog  # noqa: PLC0415 - keeps --help fast

    from store.logs import configure_log  # noqa: PLC0415

    configure_log("text")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of now: it may be another one later
    )
