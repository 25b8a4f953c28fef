"""The `haidang` command: reads like a table of contents, one module per group of commands."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from pilot.commands import (
    assessments,
    baselines,
    bench,
    broker,
    configuration,
    database,
    demo,
    evidence,
    footprint,
    keys,
    kpi,
    ledger,
    mapping,
    maturity,
    plant,
    programme,
    quality,
    records,
    rejected,
    report,
    services,
    sites,
    stops,
)
from pilot.errors import PilotError

app = typer.Typer(
    name="haidang",
    help="Hải Đăng: from raw machine signal to checkable evidence. Start with [bold]haidang demo[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("config")(configuration.config)
app.add_typer(services.ingest_app, name="ingest")
app.command("api")(services.api)
app.command("simulate", context_settings=plant.PASS_ON)(plant.simulate)
app.command("replay")(plant.replay)
app.add_typer(mapping.app, name="map")
app.add_typer(database.app, name="db")
app.add_typer(sites.app, name="site")
app.add_typer(records.app, name="records")
kpi.app.add_typer(baselines.app, name="baseline")
kpi.app.command("cusum")(baselines.cusum)
kpi.app.command("footprint")(footprint.footprint)
app.add_typer(kpi.app, name="kpi")
app.add_typer(stops.app, name="stops")
maturity.app.command("open")(assessments.open_)
maturity.app.command("list")(assessments.list_)
maturity.app.command("report")(report.report)
for step in (assessments.show, assessments.invite, assessments.decide, assessments.finalise):
    maturity.app.command(step.__name__)(step)
app.add_typer(maturity.app, name="maturity")
app.add_typer(evidence.app, name="evidence")
app.add_typer(programme.app, name="programme")
app.add_typer(keys.app, name="key")
app.command("quality")(quality.quality)
app.add_typer(ledger.app, name="ledger")
app.add_typer(rejected.app, name="rejected")
app.add_typer(broker.app, name="broker")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run a command; what goes wrong is one clear line on standard error and exit code 1."""
    try:
        app()
    except Exception as error:
        if not isinstance(error, _told()):
            raise
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]Error:[/red] {escape(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _told() -> tuple[type[Exception], ...]:
    """The errors whose text is all that a user needs."""
    from ingest.errors import IngestError  # noqa: PLC0415 - keeps --help fast
    from kpi.errors import KpiError  # noqa: PLC0415
    from maturity.errors import MaturityError  # noqa: PLC0415
    from simulators.errors import SimulatorError  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415

    return PilotError, StoreError, IngestError, KpiError, MaturityError, SimulatorError


if __name__ == "__main__":
    main()
