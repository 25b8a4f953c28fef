"""Errors of this package."""


class PublishError(Exception):
    """Grafana did not take the boards; the message says what to do."""
