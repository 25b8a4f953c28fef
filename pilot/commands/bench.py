"""`haidang bench`: measurements, each beside something to compare it with."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Measure this machine; results are ratios within one run.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Measure this machine; results are ratios within one run."""


@app.command()
def ingest(
    values_per_message: Annotated[int, typer.Option(help="1 or 20 are the usual ones", min=1, max=1000)] = 20,
    messages: Annotated[int, typer.Option(help="messages to send; 0 = as many as suit", min=0)] = 0,
    payload: Annotated[
        Literal["native", "sparkplug"], typer.Option("--format", help="what the messages are")
    ] = "native",
    repeat: Annotated[int, typer.Option(help="runs of each kind; the median counts", min=1)] = 1,
    latency: Annotated[bool, typer.Option("--latency", help="time from publish to readable, at half the rate")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="where the processor's time goes")] = False,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Publish → committed with sent = stored shown, beside a raw keyed binary COPY of the same rows."""
    from pilot.bench_ingest import Options, main

    options = Options(values_per_message, messages or None, payload, repeat, latency, profile)
    raise typer.Exit(main(options, as_json=json))


@app.command()
def catchup(
    minutes: Annotated[float, typer.Option(help="how long the database is away", min=0.01)] = 60.0,
    values_per_s: Annotated[int, typer.Option(help="what the plant sends meanwhile", min=1)] = 2_000,
    values_per_message: Annotated[int, typer.Option(help="values in a message", min=1, max=1000)] = 20,
    workers: Annotated[int, typer.Option(help="processes of ingest", min=1, max=64)] = 1,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Rate and memory of catching up after an outage of the database; fails if a worker needs 300 MB or one is lost."""
    from pilot.bench_catchup import Options, main

    raise typer.Exit(main(Options(minutes, values_per_s, values_per_message, workers), as_json=json))


@app.command()
def faults(
    minutes: Annotated[float, typer.Option(help="go on so long; every fault comes once at least", min=0)] = 3.0,
    workers: Annotated[int, typer.Option(help="processes of ingest", min=1, max=64)] = 1,
    sharing: Annotated[
        Literal["auto", "broker", "own"], typer.Option(help="who shares out topics among workers")
    ] = "auto",
    rate: Annotated[float, typer.Option(help="messages a second over all devices", min=1)] = 500.0,
    devices: Annotated[int, typer.Option(help="machines that send", min=1, max=999)] = 40,
    values: Annotated[int, typer.Option(help="values in a message, one of them a state", min=2, max=90)] = 5,
    seed: Annotated[int, typer.Option(help="same seed, same order of faults and messages")] = 1,
    only: Annotated[list[str] | None, typer.Option(help="only this fault; repeat for more")] = None,
    database_url: Annotated[
        str, typer.Option(help="a superuser's address on a server that trusts local connections; it will be KILLED")
    ] = "",
    database_control: Annotated[str, typer.Option(help="command that takes start, stop and kill for it")] = "",
    broker_url: Annotated[str, typer.Option(help="a broker to use in place of one of our own")] = "",
    broker_control: Annotated[str, typer.Option(help="command that takes start, stop and kill for it")] = "",
    mosquitto: Annotated[str, typer.Option(help="the Mosquitto to start")] = "",
    keep: Annotated[Path | None, typer.Option(help="folder for the logs of ingest and the servers")] = None,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Break everything around ingest while numbered messages flow; fails if one is lost or doubled."""
    from pilot.faults.main import main
    from pilot.faults.run import Options
    from pilot.faults.stack import Services

    services = Services(database_url, database_control, broker_url, broker_control, mosquitto)
    options = Options(minutes, workers, rate, devices, values, seed, tuple(only or ()), services, keep, sharing)
    raise typer.Exit(main(options, as_json=json))


@app.command()
def registry(
    series: Annotated[int, typer.Option(help="registered series, all in use", min=100)] = 100_000,
    values_per_message: Annotated[int, typer.Option(help="values in a message", min=1, max=1000)] = 5,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """What a large registry costs ingest beside one of 100 series; a storm of new series; learning of changes."""
    from pilot.bench_registry import main

    raise typer.Exit(main(series=series, values_per_message=values_per_message, as_json=json))


@app.command()
def kpi(
    machines: Annotated[int, typer.Option(help="machines of 20 signals, mean 0.2 Hz", min=1)] = 20,
    days: Annotated[int, typer.Option(help="production days", min=1)] = 1,
    processes: Annotated[list[int] | None, typer.Option(help="processes that compute; repeat for more")] = None,
    linearity: Annotated[
        bool, typer.Option("--linearity", help="1, 10, 100 machines × 1 day and 10 machines × 7, 30 days instead")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="of --linearity only this size, e.g. 10x30; repeat")] = None,
    speedup: Annotated[
        bool, typer.Option("--speedup", help="two beside one instead: parts, the job, workers on several sites")
    ] = False,
    sites: Annotated[int, typer.Option(help="with --speedup: sites of two machines for two workers", min=2)] = 8,
    repeat: Annotated[int, typer.Option(help="runs of the job; the fastest counts", min=1)] = 1,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """The KPI job, from the database to stored values, beside only reading the same rows with ADBC."""
    from pilot import bench_kpi, bench_kpi_speedup

    if speedup:
        pairs = bench_kpi_speedup.Options(machines, days, repeat, sites)
        raise typer.Exit(bench_kpi_speedup.main(pairs, as_json=json))
    options = bench_kpi.Options(machines, days, tuple(processes or (1, 2)), linearity, repeat, tuple(only or ()))
    raise typer.Exit(bench_kpi.main(options, as_json=json))


@app.command()
def evidence(
    records: Annotated[int, typer.Option(help="records of the log", min=1)] = 100_000,
    kpis: Annotated[int, typer.Option(help="KPI values in a record", min=1, max=200)] = 1,
    stored: Annotated[
        bool, typer.Option("--stored", help="enter values that lie in the database, as `haidang evidence append` does")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Rate of appending to the evidence log, and seconds of its audit."""
    from pilot.bench_evidence import main

    raise typer.Exit(main(records, kpis, stored=stored, as_json=json))


@app.command()
def maturity(
    days: Annotated[int, typer.Option(help="production days of the plant's past", min=120)] = 120,
    sample_period: Annotated[int, typer.Option(help="seconds between counter readings", min=60, max=3600)] = 600,
    database_url: Annotated[
        str, typer.Option(help="an empty migrated database, as its owner; else one of its own")
    ] = "",
    halls: Annotated[
        int, typer.Option(help="time an assessment of so many times the six machines; 1 = not", min=1)
    ] = 4,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """A plant of 120 days with a planted improvement and a planted gap, assessed; fails if one is not found."""
    from pilot.bench_maturity import Options, main

    raise typer.Exit(main(Options(days, sample_period, database_url, halls), as_json=json))


@app.command()
def verify(
    machines: Annotated[int, typer.Option(help="machines of five signals every ten seconds", min=1)] = 20,
    days: Annotated[int, typer.Option(help="production days", min=1)] = 30,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Check a generated evidence package and compute it again; fails above 60 s, 1 GB, or if a value differs."""
    from pilot.bench_verify import Options, main

    raise typer.Exit(main(Options(machines, days), as_json=json))


@app.command()
def api(
    rate: Annotated[float, typer.Option(help="requests a second", min=1, max=100_000)] = 200.0,
    seconds: Annotated[float, typer.Option(help="how long each kind of answer is asked for", min=0.1)] = 20.0,
    assets: Annotated[int, typer.Option(help="assets of the site, lines and the site itself among them", min=3)] = 100,
    days: Annotated[int, typer.Option(help="production days that are stored", min=1, max=365)] = 365,
    panels: Annotated[bool, typer.Option(help="time the statements of the Grafana panels too")] = True,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Latency of answers at a fixed rate, from when each was due, and of Grafana's panels; fails on errors."""
    from pilot.bench_api import Options, main
    from pilot.bench_api_site import Size

    raise typer.Exit(main(Options(Size(assets, days), rate, seconds, panels=panels), as_json=json))
