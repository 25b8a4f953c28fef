"""Flags that many commands share; each is also an environment variable."""

from datetime import datetime
from typing import Annotated

import typer

from pilot.errors import PilotError

DatabaseUrl = Annotated[
    str,
    typer.Option(
        "--database-url",
        envvar="HAIDANG_DATABASE_URL",
        help="postgresql://user@host:port/database; put a password into the environment, not into a flag",
    ),
]
BrokerUrl = Annotated[
    str,
    typer.Option("--broker-url", "--broker", envvar="HAIDANG_BROKER_URL", help="mqtt://user@host:port or mqtts://…"),
]


def required(value: str, variable: str) -> str:
    """Refuse to guess an address."""
    if not value:
        raise PilotError(f"{variable} is not set: export {variable}=… (see `haidang config`), or try `haidang demo`.")
    return value


def database(value: str) -> str:
    """The database address, which must be given."""
    return required(value, "HAIDANG_DATABASE_URL")


def in_order(first: datetime | None, last: datetime | None) -> None:
    """Refuse a range of days that ends before it begins: nothing lies in it."""
    if first and last and last < first:
        raise PilotError(f"{last.date()} is before {first.date()}.")
