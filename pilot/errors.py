"""Errors of the command line: one sentence that says what to do."""


class PilotError(Exception):
    """A command cannot go on; its text is shown to the user as it is."""
