"""`haidang broker`: accounts of machines at the broker, and the broker's files made from them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

if TYPE_CHECKING:
    from ingest.mapping import Mapping
    from store.broker import BrokerAccount
    from store.pool import Connection

app = typer.Typer(help="Who may come in at the broker, and what it may say there.", no_args_is_help=True)
accounts = typer.Typer(help="Accounts of machines and gateways at the broker.", no_args_is_help=True)
app.add_typer(accounts, name="account")

Name = Annotated[str, typer.Argument(help="user name, or common name of the certificate: SITE or SITE/ASSET/PATH")]
Mappings = Annotated[
    list[Path] | None,
    typer.Option("--mapping", envvar="HAIDANG_MAPPING_PATH", help="mapping file or folder of them; repeat for more"),
]
_NEXT = "Then: haidang broker acl --output DIR, and let the broker read its files again (docs/deployment.md)."


@accounts.command()
def add(
    name: Name,
    site: Annotated[str, typer.Option(help="its site, if the name does not begin with it")] = "",
    asset: Annotated[
        str, typer.Option(help="asset that it speaks for, with all below; default: what the name says")
    ] = "",
    certificate: Annotated[bool, typer.Option("--certificate", help="it comes with a client certificate")] = False,
    sparkplug: Annotated[str, typer.Option(help="GROUP/NODE whose Sparkplug messages it sends")] = "",
    topic: Annotated[list[str] | None, typer.Option(help="topic filter of its own; repeat for more")] = None,
    mapping: Mappings = None,
    password_env: Annotated[str, typer.Option(help="variable with the password; default: one is made up")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="instead of the account of that name")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Make an account; its password is shown once, only its hash is kept."""
    from pilot import broker_files as files
    from store import broker
    from store.pool import connect

    files.check_name(name, is_certificate=certificate)
    own_site, _, own_asset = name.partition("/")
    password = "" if certificate else _given(password_env) or files.new_password()
    rounds = files.CHOSEN_ROUNDS if password_env else files.ROUNDS
    account = broker.BrokerAccount(
        site=site or own_site,
        name=name,
        asset_prefix=asset or ("" if site else own_asset),
        password_hash=files.hashed(password, rounds=rounds) if password else None,
        sparkplug_node=files.check_node(sparkplug) if sparkplug else None,
        topics=tuple(map(files.check_filter, topic or ())),
    )
    with connect(database(database_url), "broker account add") as connection:
        _check(connection, account, mapping or [])
        (broker.replace_account if replace else broker.add_account)(connection, account)
    _show(account, "" if password_env else password)


@accounts.command("list")
def list_(
    site: Annotated[list[str] | None, typer.Option(help="only of this site; repeat for more")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """List accounts with the place they speak for and the devices seen there."""
    from store import broker
    from store.pool import connect

    with connect(database(database_url), "broker account list") as connection:
        rows = broker.list_accounts(connection, site)
    table = Table("account", "site", "asset", "comes with", "Sparkplug", "own topics", "devices", "since")
    for row in rows:
        proof = "password" if row.password_hash else "certificate"
        since = f"{row.changed_at:%Y-%m-%d}"
        own = "\n".join(row.topics)
        table.add_row(
            row.name,
            row.site,
            row.asset_prefix or "(all)",
            proof,
            row.sparkplug_node or "",
            own,
            str(row.devices),
            since,
        )
    Console().print(table)


@accounts.command()
def remove(name: Name, database_url: DatabaseUrl = "") -> None:
    """End an account."""
    from store import broker
    from store.pool import connect

    with connect(database(database_url), "broker account remove") as connection:
        if not broker.remove_account(connection, name):
            raise _unknown(name)
    Console(highlight=False).print(f"Account {name} ended. {_NEXT}")


@accounts.command()
def rotate(
    name: Name,
    password_env: Annotated[str, typer.Option(help="variable with the password; default: one is made up")] = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Give an account another password, shown once; the old one ends when the broker reads its files again."""
    from pilot import broker_files as files
    from store import broker
    from store.pool import connect

    password = _given(password_env) or files.new_password()
    rounds = files.CHOSEN_ROUNDS if password_env else files.ROUNDS
    with connect(database(database_url), "broker account rotate") as connection:
        known = {row.name: row for row in broker.list_accounts(connection)}
        if name not in known:
            raise _unknown(name)
        if known[name].password_hash is None:
            raise PilotError(f"{name} comes with a certificate: make a new one instead (deploy/make-env).")
        broker.set_password(connection, name, files.hashed(password, rounds=rounds))
    _show(known[name], "" if password_env else password)


@app.command()
def acl(
    output: Annotated[Path, typer.Option(help="folder for `acl` and `passwords`")],
    site: Annotated[list[str] | None, typer.Option(help="only accounts of this site; repeat for more")] = None,
    mapping: Mappings = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 when an account had to be left out")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Write Mosquitto's acl_file and password_file from the registry; who is not in it gets nothing."""
    from ingest.mapping import load_all
    from pilot import broker_files as files
    from pilot.broker_topics import mapped_filters
    from store import broker
    from store.pool import connect

    mappings = load_all(_paths(mapping or []))
    with connect(database(database_url), "broker acl") as connection:
        broker.link_devices(connection)
        rows, refused = _usable(broker.list_accounts(connection, site), mappings)
    mapped = {row.name: mapped_filters(row, mappings) for row in rows}
    passwords = output / "passwords"
    before = passwords.read_text("utf-8") if passwords.exists() else ""
    own = {**files.own_hashes(before), **_own_passwords()}
    output.mkdir(parents=True, exist_ok=True)
    _write(output / "acl", files.acl_text(rows, mapped))
    _write(passwords, files.password_text(rows, own))
    console = Console(stderr=True, highlight=False)
    console.print(f"{len(rows)} accounts of machines in {output}/acl and {output}/passwords.")
    if "ingest" not in own:
        console.print("No password of ingest: set HAIDANG_BROKER_PASSWORD_INGEST (or let it come with a certificate).")
    for name, reason in refused.items():
        console.print(f"Left out: {name}, which may neither come in nor publish: {reason}")
    if refused and strict:
        raise typer.Exit(1)


def _usable(
    rows: Sequence["BrokerAccount"], mappings: Sequence["Mapping"]
) -> tuple[list["BrokerAccount"], dict[str, str]]:
    """The accounts that speak for their own place only, and why the others may not be in the files."""
    from pilot.broker_files import rights
    from pilot.broker_topics import check_rights

    usable, refused = [], {}
    for row in rows:
        try:
            check_rights(row, rights(row), mappings)
        except PilotError as error:
            refused[row.name] = str(error)
        else:
            usable.append(row)
    return usable, refused


def _own_passwords() -> dict[str, str]:
    """Hashes of the passwords of our own services, as far as the environment names them."""
    from pilot import broker_files as files

    given = {name: os.environ.get(f"HAIDANG_BROKER_PASSWORD_{name.upper()}", "") for name in files.OWN}
    return {name: files.hashed(password, rounds=files.CHOSEN_ROUNDS) for name, password in given.items() if password}


def _given(variable: str) -> str:
    """The password that a variable holds; a weak one is refused."""
    from pilot.broker_files import SHORTEST_PASSWORD

    if not variable:
        return ""
    password = os.environ.get(variable, "")
    if len(password) < SHORTEST_PASSWORD:
        raise PilotError(f"{variable} holds no password of at least {SHORTEST_PASSWORD} characters.")
    return password


def _check(connection: "Connection", account: "BrokerAccount", mapping: list[Path]) -> None:
    """Refuse an account that could speak for another place."""
    from ingest.mapping import load_all
    from pilot.broker_files import rights
    from pilot.broker_topics import check_rights
    from store import broker

    group = (account.sparkplug_node or "").partition("/")[0]
    if group and group != account.site and broker.is_site(connection, group):
        raise PilotError(f"{group} is another site: as a Sparkplug group it would speak for that.")
    silent = check_rights(account, rights(account), load_all(_paths(mapping)))
    for topic in silent:
        Console(stderr=True, highlight=False).print(f"Nobody understands {topic} yet: it needs a mapping file.")


def _paths(given: list[Path]) -> list[Path]:
    return [Path(part) for path in given for part in str(path).split(os.pathsep) if part]


def _show(account: "BrokerAccount", password: str) -> None:
    console = Console(stderr=True, highlight=False)
    place = f"{account.site}/{account.asset_prefix}".rstrip("/")
    console.print(f"{account.name} may speak for {place}. {_NEXT}")
    if account.password_hash is None:
        console.print(f"Its certificate: deploy/make-env device-certificate {account.name}")
    elif password:
        console.print("Its password, shown once:")
        typer.echo(password)


def _write(file: Path, text: str) -> None:
    """Replace a file in one step; nobody else may read it."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as made:
        made.write(text)
    new.replace(file)


def _unknown(name: str) -> PilotError:
    return PilotError(f"There is no account {name!r}; see `haidang broker account list`.")
