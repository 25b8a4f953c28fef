"""Commands that show their own progress keep the rooms' logs to warnings."""

import logging


def only_warnings() -> None:
    """Let through what went wrong, and nothing else."""
    import structlog  # noqa: PLC0415 - keeps --help fast

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
