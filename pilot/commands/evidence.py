"""`haidang evidence`: the log of what was found, its signatures, and proofs that nothing in it was changed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pilot.commands import package
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

if TYPE_CHECKING:
    from maturity.audit import Audit
    from maturity.notes import Note

app = typer.Typer(help="Enter what is final into the evidence log, sign it, prove it, audit it.", no_args_is_help=True)
key_app = typer.Typer(help="Keys that sign the log or witness it.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.command("export")(package.export)
app.command("verify")(package.verify)

KeyFile = Annotated[
    Path,
    typer.Option("--key-file", envvar="HAIDANG_SIGNING_KEY_FILE", help="file of the signing key", dir_okay=False),
]
PinnedKey = Annotated[
    str | None, typer.Option(help="public key that the log must be signed by: NAME+ID+KEY, or a file")
]
_MOST_NOTE_BYTES = 100_000


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="who signs, e.g. factory.example/haidang; the log is called so")],
    output: Annotated[Path, typer.Option("-o", "--output", help="file to write; it must not exist")],
) -> None:
    """Make a key: FILE stays with you, FILE.pub and the line that is printed go to those who check."""
    from maturity import keys
    from maturity.notes import SigningKey

    key = SigningKey.generate(name)
    keys.write_key(output, key)
    public = keys.write_public_key(output, key.public)
    console = Console(stderr=True, highlight=False)
    console.print(f"{output} holds the signing key, {public} its public key. For assessors:")
    typer.echo(str(key.public))


@key_app.command("show")
def key_show(key_file: KeyFile) -> None:
    """Print the public key of a key file."""
    from maturity import keys

    typer.echo(str(keys.read_key(key_file).public))


@key_app.command("rotate")
def key_rotate(
    new: Annotated[Path, typer.Option("--new", help="file of the new key, made with the same name")],
    key_file: KeyFile,
    database_url: DatabaseUrl = "",
) -> None:
    """Announce in the log, signed by the old key, that the new key signs from now on."""
    from maturity import keys
    from maturity.log import EvidenceLog
    from store.pool import connect

    old, fresh = keys.read_key(key_file), keys.read_key(new)
    with connect(database(database_url), "evidence key", autocommit=True) as connection:
        log = EvidenceLog(connection)
        place = log.rotate(old, fresh.public)
        log.checkpoint(fresh)
    Console(highlight=False).print(f"Record {place} announces the new key. From now on use {new}; destroy {key_file}.")


@app.command()
def append(
    key_file: Annotated[
        Path | None, typer.Option("--key-file", envvar="HAIDANG_SIGNING_KEY_FILE", help="file of the signing key")
    ] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Enter final KPI values and digests of raw days that the log does not have yet, then sign a checkpoint."""
    from maturity import keys
    from maturity.closing import close_due_days
    from store.errors import translated
    from store.pool import connect

    key = keys.read_key(key_file) if key_file else None
    console = Console(stderr=True, highlight=False)
    url = database(database_url)
    with translated(url), connect(url, "evidence append", autocommit=True) as connection:
        closed = close_due_days(connection, key, lambda *day: console.print(f"{day[0]} {day[1]}: {day[2]} records"))
    console.print(f"{closed.days} production days, {closed.records} records.")
    if closed.note:
        typer.echo(closed.note, nl=False)
    elif key is None:
        console.print("No checkpoint: name a signing key with --key-file (`haidang evidence key create` makes one).")


@app.command()
def serve() -> None:
    """Do so again and again, as a service that lives through outages (HAIDANG_EVIDENCE_EVERY_S, _SIGNING_KEY_FILE)."""
    from maturity.service import main

    raise typer.Exit(main())


@app.command()
def checkpoint(key_file: KeyFile, database_url: DatabaseUrl = "") -> None:
    """Sign the log as it is now and print the note; publish it, so that others can hold you to it."""
    from maturity import keys
    from maturity.log import EvidenceLog
    from store.pool import connect

    key = keys.read_key(key_file)
    with connect(database(database_url), "evidence checkpoint", autocommit=True) as connection:
        typer.echo(EvidenceLog(connection).checkpoint(key), nl=False)


@app.command()
def audit(
    key: PinnedKey = None,
    checkpoint_: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="a signed note that was kept elsewhere; repeat for more")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Check the whole log again: every record, every checkpoint, every signature. Exit code 1 if anything is wrong."""
    from maturity import keys
    from maturity.audit import audit as audit_log
    from store import evidence
    from store.pool import connect

    pinned = keys.read_public_key(key) if key else None
    with connect(database(database_url), "evidence audit") as connection:
        points = evidence.checkpoints(connection)  # first: the log grows meanwhile
        found = audit_log(evidence.entries(connection), points, pinned, [_text_of(each) for each in checkpoint_ or ()])
    if json_:
        typer.echo(json.dumps({"good": found.is_good, **vars(found)}, default=list))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in found.findings:
            console.print(f"[red]✗[/red] {escape(finding)}")
        console.print(f"{found.records} records, {found.checkpoints} checkpoints, signed up to record {found.signed}.")
        if not pinned:
            console.print("The signatures were checked with the log's own first key; --key pins one you trust.")
        console.print(_verdict(found))
    raise typer.Exit(0 if found.is_good else 1)


def _verdict(found: "Audit") -> str:
    if not found.is_good:
        return "[red]The log does not hold: see above.[/red]"
    rest = found.records - found.signed
    if not found.signed:
        return "[yellow]Nothing is signed, so nothing shows what was changed: `haidang evidence checkpoint`.[/yellow]"
    more = f" [yellow]{rest} records after that are not signed yet.[/yellow]" if rest else ""
    return f"[green]The log is what was signed.[/green]{more}"


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PilotError(f"{path} cannot be read as a signed note.") from error


@app.command()
def prove(
    record: Annotated[int | None, typer.Option(help="place of a record that the newest checkpoint holds")] = None,
    since: Annotated[int | None, typer.Option(help="size of an earlier checkpoint to prove growth from")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Print a proof (RFC 9162) that a record is in the log, or that the log only grew, as JSON."""
    from maturity.log import EvidenceLog
    from maturity.witness import Consistency, Inclusion
    from store import evidence
    from store.pool import connect

    if (record is None) == (since is None):
        raise PilotError("Name either --record PLACE or --since SIZE.")
    with connect(database(database_url), "evidence prove") as connection:
        newest = evidence.last_checkpoint(connection)
        if newest is None:
            raise PilotError("The log has no checkpoint yet: `haidang evidence checkpoint` signs one.")
        tree = EvidenceLog(connection).tree()
        proof = (
            Inclusion.of(tree, record, newest.tree_size)
            if record is not None
            else Consistency.of(tree, since or 0, newest.tree_size)
        )
    typer.echo(proof.to_json())


@app.command()
def witness(
    note: Annotated[Path, typer.Argument(help="the checkpoint to sign, - for standard input")],
    key_file: KeyFile,
    log_key: Annotated[str, typer.Option(help="public key of the log: NAME+ID+KEY, or a file")],
    earlier: Annotated[Path | None, typer.Option(help="the checkpoint that you signed before")] = None,
    proof: Annotated[Path | None, typer.Option(help="answer of `haidang evidence prove --since`")] = None,
) -> None:
    """Sign a factory's checkpoint as a witness, after checking that the log only grew; no database is needed."""
    from maturity import keys
    from maturity.witness import Consistency, cosign

    before = _note(earlier) if earlier else None
    consistency = Consistency.parse(_text(proof)) if proof else None
    typer.echo(
        cosign(_note(note), keys.read_public_key(log_key), keys.read_key(key_file), before, consistency), nl=False
    )


@app.command()
def countersign(
    note: Annotated[Path, typer.Argument(help="the note that the witness returned, - for standard input")],
    witness_key: Annotated[str, typer.Option("--witness", help="public key of the witness: NAME+ID+KEY, or a file")],
    database_url: DatabaseUrl = "",
) -> None:
    """Keep the signature of a witness beside our checkpoint."""
    from maturity import keys
    from maturity.log import EvidenceLog
    from store.pool import connect

    key = keys.read_public_key(witness_key)
    with connect(database(database_url), "evidence countersign", autocommit=True) as connection:
        kept = EvidenceLog(connection).countersign(_note(note), key)
    Console(highlight=False).print(f"{key.name} witnessed the log at {kept.size} records.")


def _note(path: Path) -> "Note":
    from maturity.notes import Note

    return Note.parse(_text(path))


def _text(path: Path) -> str:
    from maturity.errors import MaturityError

    try:
        text = sys.stdin.read(_MOST_NOTE_BYTES) if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MaturityError(f"{path} cannot be read: {error}") from error
    if len(text) >= _MOST_NOTE_BYTES:
        raise MaturityError(f"{path} is no note: it is too long.")
    return text
