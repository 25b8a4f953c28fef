"""The whole chain on one machine in one command: embedded database and broker, virtual plant, all services.

In: options. Out: a summary of what each stage did; with `once` that is all, else the stack runs until it is stopped.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

from kpi.running.job import run_once
from maturity.audit import audit
from maturity.closing import close_due_days
from maturity.keys import read_key, write_key
from maturity.notes import SigningKey
from pilot import services
from pilot.broker import embedded_broker
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from pilot.ports import LOCALHOST, answers, free_port, wait_for_port
from pilot.summary import Stage, Summary, received_messages, summarize
from simulators.run import Progress, RunSummary
from simulators.run import run as run_plant
from simulators.settings import PlantSettings
from store import evidence
from store.access import create_key
from store.migrate import migrate
from store.pool import connect, with_user
from store.registry import apply_site
from store.site_file import SiteFile, read_site_file

SERVICE_START_TIMEOUT_S = 90.0  # of a small or busy computer
MAX_RESTARTS = 5
STALL_TIMEOUT_S = 60.0
SITE = "demo-plant"
KEY_FILE = "evidence.key"
ROLES = {"maturity": "haidang_evidence"}  # of services that are not called like their role

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What the demo is asked for."""

    days: float = 1.0
    once: bool = False
    keep: bool = False
    port: int = 8000
    sample_period_s: int = 10
    seed: int = 1
    home: Path = field(default_factory=lambda: Path(".haidang"))


@dataclass(frozen=True)
class Stack:
    """A running stack: addresses, the key made for this run, the services to watch."""

    database_url: str
    broker_url: str
    api_url: str
    key: str
    session_secret: str
    evidence_key: SigningKey
    services: list[services.Service]


@dataclass
class Plant:
    """The virtual plant in its thread: how far it is, how it ended."""

    thread: threading.Thread
    stop: threading.Event
    history_done: threading.Event
    published: int = 0
    summary: RunSummary | None = None
    error: BaseException | None = None


@contextmanager
def demo(options: Options, say: Say) -> Iterator[tuple[Stack, Summary]]:
    """Bring up the chain, run the history through it, and hand over the running stack with what each stage did.

    Raises:
        PilotError: a stage did not do its part; says which and where its log is.
    """
    if answers(options.port) and not options.once:
        raise PilotError(f"Port {options.port} is taken: choose another one with --port, or stop what listens there.")
    with ExitStack() as exits:
        stack = _start(exits, options, say)
        plant = exits.enter_context(_plant(stack, options))
        _run_history(stack, plant, options, say)
        say("Computing KPIs")
        run_once(with_user(stack.database_url, "haidang_kpi"))
        say("Entering what is final into the evidence log")
        entered = _enter_evidence(stack)
        summary = summarize(stack.database_url, SITE, plant.published).plus(entered)
        if not options.once:
            stack.services.extend(_service(exits, stack, name, options) for name in ("kpi", "maturity"))
        yield stack, summary


def watch(stack: Stack, stop: threading.Event, say: Say) -> None:
    """Wait until asked to stop; start a service again that ended by itself, a few times.

    Raises:
        PilotError: a service does not stay up.
    """
    restarts: Counter[str] = Counter()
    while not stop.wait(1.0):
        for service in stack.services:
            reason = service.ended()
            if reason is None:
                continue
            restarts[service.name] += 1
            if restarts[service.name] > MAX_RESTARTS:
                raise PilotError(reason)
            say(f"{reason.splitlines()[0].split(';')[0]}: starting it again")
            service.restart()


def _start(exits: ExitStack, options: Options, say: Say) -> Stack:
    say("Starting the embedded database")
    database_url = exits.enter_context(embedded_database(options.home / "database", keep=options.keep))
    migrate(database_url)
    key = _prepare(database_url, options.sample_period_s)
    broker_url, broker = exits.enter_context(embedded_broker(options.home / "broker"))
    say(f"Starting broker ({broker}), ingest and API")
    port = free_port() if options.once else options.port
    url, secret = f"http://{LOCALHOST}:{port}", secrets.token_urlsafe(32)
    stack = Stack(database_url, broker_url, url, key, secret, _evidence_key(options.home), [])
    stack.services.append(_service(exits, stack, "ingest", options))
    stack.services.append(_service(exits, stack, "api", options))
    _wait_until_up(stack, port)
    return stack


def plant_file(sample_period_s: float) -> SiteFile:
    """The demo's site, of which a value is due as often as the plant sends one: others would be of low confidence."""
    with as_file(files("pilot.data") / "demo_plant.yaml") as path:
        found = read_site_file(path)
    due = {"expected_period_s": float(sample_period_s)}
    assets = []
    for asset in found.assets:
        series = (each.model_copy(update=due) if each.expected_period_s else each for each in asset.series)
        assets.append(asset.model_copy(update={"series": tuple(series)}))
    return found.model_copy(update={"assets": tuple(assets)})


def _prepare(database_url: str, sample_period_s: int) -> str:
    """Apply the demo's site and make a fresh random key for this run."""
    with connect(database_url, "demo") as connection:
        apply_site(connection, plant_file(sample_period_s))
        return create_key(connection, "demo", role="admin", sites="all")


def _service(exits: ExitStack, stack: Stack, name: str, options: Options) -> services.Service:
    environment = {
        "HAIDANG_DATABASE_URL": with_user(stack.database_url, ROLES.get(name, f"haidang_{name}")),
        "HAIDANG_BROKER_URL": stack.broker_url,
        "HAIDANG_API_PORT": stack.api_url.rsplit(":", 1)[1],
        "HAIDANG_SESSION_SECRET": stack.session_secret,
        "HAIDANG_INGEST_METRICS_PORT": str(free_port()),
        "HAIDANG_SIGNING_KEY_FILE": str(options.home / KEY_FILE),
    }
    return exits.enter_context(services.running(name, environment, options.home / "logs"))


def _evidence_key(home: Path) -> SigningKey:
    """The demo's own signing key, made once per folder."""
    path = home / KEY_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        write_key(path, SigningKey.generate("demo.example/haidang"))
    return read_key(path)


def _enter_evidence(stack: Stack) -> Stage:
    """Enter what is final, sign it, and check the whole log again."""
    with connect(with_user(stack.database_url, ROLES["maturity"]), "demo", autocommit=True) as connection:
        closed = close_due_days(connection, stack.evidence_key)
        checkpoints = evidence.checkpoints(connection)
        found = audit(evidence.entries(connection), checkpoints, stack.evidence_key.public)
    said = f"{found.records:,} records in the evidence log, signed" if closed.note else "nothing to enter"
    return Stage("evidence", said if found.is_good else found.findings[0], found.is_good)


def _wait_until_up(stack: Stack, port: int) -> None:
    if not wait_for_port(port, SERVICE_START_TIMEOUT_S):
        services.require_running(stack.services)
        raise PilotError(f"The API did not start within {SERVICE_START_TIMEOUT_S:.0f} s: see {stack.services[-1].log}.")
    _wait_for_ingest(stack)


def _wait_for_ingest(stack: Stack) -> None:
    """Wait for its subscriptions: what is published before them, a broker keeps for nobody."""
    ingest = stack.services[0]
    deadline = time.monotonic() + SERVICE_START_TIMEOUT_S
    while "broker_connected" not in ingest.log.read_text("utf-8", errors="replace"):
        services.require_running(stack.services)
        if time.monotonic() > deadline:
            raise PilotError(f"Ingest did not connect within {SERVICE_START_TIMEOUT_S:.0f} s: see {ingest.log}.")
        time.sleep(0.1)


@contextmanager
def _plant(stack: Stack, options: Options) -> Iterator[Plant]:
    """Run the virtual plant in a thread, and stop it at the end."""
    settings = PlantSettings(
        broker_url=stack.broker_url,
        simulator_days=0 if options.keep else options.days,
        simulator_live=not options.once,
        simulator_sample_period_s=options.sample_period_s,
        simulator_seed=options.seed,
    )
    plant = Plant(threading.Thread(), threading.Event(), threading.Event())

    def report(progress: Progress) -> None:
        plant.published = progress.published
        if progress.live:
            plant.history_done.set()

    def work() -> None:
        try:
            plant.summary = run_plant(settings, stop=plant.stop, report=report)
            plant.published = plant.summary.published
        except Exception as error:  # noqa: BLE001 - handed over to the thread that waits for it
            plant.error = error
        finally:
            plant.history_done.set()

    plant.thread = threading.Thread(target=work, name="virtual plant", daemon=True)
    plant.thread.start()
    try:
        yield plant
    finally:
        plant.stop.set()
        plant.thread.join(timeout=STALL_TIMEOUT_S)


def _run_history(stack: Stack, plant: Plant, options: Options, say: Say) -> None:
    """Wait until the history is published and every message of it is accounted for by ingest."""
    say("Going on with the virtual plant" if options.keep else f"Publishing {options.days:g} days of the virtual plant")
    while not plant.history_done.wait(0.2):
        services.require_running(stack.services)
    if plant.error is not None:
        raise PilotError(f"The virtual plant stopped: {plant.error}") from plant.error
    say("Waiting until ingest has stored everything")
    last, moved_at = -1, time.monotonic()
    while (received := received_messages(stack.database_url)) < plant.published:
        services.require_running(stack.services)
        if received != last:
            last, moved_at = received, time.monotonic()
        if time.monotonic() - moved_at > STALL_TIMEOUT_S:
            raise PilotError(f"Ingest stands still at {received} of {plant.published} messages.")
        time.sleep(0.1)
