"""Numbers as commands print them: a value in, its text out; a dash where there is none."""

NOTHING = "–"
_PLAIN = 1e5  # from here on an exponent would hide the size


def number(value: float | None) -> str:
    """A value of any unit: six digits, large ones with two decimals."""
    if value is None:
        return NOTHING
    return f"{value:,.6g}" if abs(value) < _PLAIN else f"{value:,.2f}"


def amount(value: float | None) -> str:
    """An amount with one decimal."""
    return NOTHING if value is None else f"{value:,.1f}"


def share(value: float | None) -> str:
    """A share of 1 in percent."""
    return NOTHING if value is None else f"{value:.1%}"


def minutes(seconds: float) -> str:
    """A duration in s as minutes."""
    return f"{seconds / 60:,.2f}"
