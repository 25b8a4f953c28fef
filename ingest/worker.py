"""One worker: settings in, a service that runs until it is told to stop; every reason not to start is an error."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable

import structlog
import uvloop

from ingest.child import watch_supervisor
from ingest.errors import MappingError, SessionInUseError, first
from ingest.leases import Ownership
from ingest.leftovers import Drainer, wait_finished
from ingest.mapping import Mapping, load_all
from ingest.mapping.watch import watch
from ingest.metrics import Metrics
from ingest.route import Router
from ingest.service import Service
from ingest.settings import IngestSettings
from ingest.slots import parse_slots
from ingest.sparkplug.host import Host, Options
from ingest.stuck import watch_threads
from ingest.tls import make_context
from ingest.writer import Writer
from store.errors import DatabaseUnavailableError
from store.logs import configure_log
from store.revision import require_current

GC_THRESHOLD = 1_000_000  # what is held is no cycle and stays below it: looking for such cost a tenth of receiving
SWITCH_S = 0.0005  # the writer's thread gets its turn after each answer of the database; by default in 5 ms

log = structlog.get_logger("ingest")


def run(settings: IngestSettings, *, finishes: bool = False) -> bool:
    """Check what can be checked at once, then serve until told to stop.

    With `finishes`, only until nothing is left over of the layout before; true when it came to that.

    Raises:
        IngestError: a setting, a mapping or the broker's answer.
        StoreError: the schema is not this version's.
    """
    mappings = check(settings)
    metrics = Metrics()
    if settings.ingest_metrics_port:
        metrics.serve(settings.ingest_metrics_host, settings.ingest_metrics_port)
    with _runner() as runner:
        done = runner.run(_serve(settings, _router(settings, mappings), metrics, finishes=finishes))
    log.info("stopped")
    return done


def drain(settings: IngestSettings) -> None:
    """Empty the sessions that the supervisor names, one after the other; what cannot be had now is left for later.

    Raises:
        IngestError: a setting, a mapping, the broker's answer; somebody works under one of them.
        StoreError: the schema is not this version's.
    """
    mappings = check(settings)
    in_use: BaseException | None = None
    with _runner() as runner:
        for slot in parse_slots(settings.ingest_client_id, settings.ingest_drain):
            one = settings.of_slot(slot)
            configure_log(settings.log_format, session=slot.session)
            try:
                if not runner.run(_serve(one, _router(one, mappings), Metrics())):
                    return  # asked to stop
            except* SessionInUseError as group:
                in_use = first(group)
    if in_use is not None:
        raise in_use


def _router(settings: IngestSettings, mappings: list[Mapping]) -> Router:
    return Router(mappings, host(settings), reads_umh=settings.umh == "on")


def _runner() -> asyncio.Runner:
    logging.getLogger("gmqtt").setLevel(logging.ERROR)
    gc.set_threshold(GC_THRESHOLD, 50, 100)
    sys.setswitchinterval(SWITCH_S)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def host(settings: IngestSettings) -> Host | None:
    """The Sparkplug host application, if there is to be one; of several workers the first announces it."""
    if settings.sparkplug == "off":
        return None
    speaks = settings.sparkplug == "primary" and settings.ingest_slot == 0 and not settings.ingest_drain
    options = Options(
        host_id=settings.sparkplug_host_id if speaks else "",
        rebirth_every_s=0 if settings.ingest_drain else settings.sparkplug_rebirth_s,
        rebirths_per_s=settings.sparkplug_rebirths_per_s,
    )
    return Host(options, Ownership(settings.slot).is_mine)


def check(settings: IngestSettings) -> list[Mapping]:
    """Check mapping files, certificates and schema; a database that does not answer is waited for later.

    Raises:
        IngestError: a mapping file or a certificate is not usable.
        StoreError: the schema is not this version's.
    """
    mappings = load_all(list(settings.mapping_path))
    if settings.tls is not None:
        make_context(settings.tls)
    try:
        require_current(settings.database_url)
    except DatabaseUnavailableError as error:
        log.warning("database_unreachable", error=str(error), advice="waiting for it")
    return mappings


async def _serve(settings: IngestSettings, router: Router, metrics: Metrics, *, finishes: bool = False) -> bool:
    """Work until told to stop, or until the session to be emptied, or the change to be finished, is; true then."""
    service = Service(settings, router, Writer(settings.database_url, settings.limits), metrics)
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _all(asked.set, service.stop))
    reload = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    async with asyncio.TaskGroup() as group:
        others = [
            group.create_task(_reload(settings, service, reload), name="read mapping files again"),
            group.create_task(watch(settings.mapping_path, reload.set), name="watch mapping files"),
        ]
        if settings.is_child:
            watching = watch_supervisor(service.stop, lambda: service.stuck_s < settings.ingest_hang_s)
            others.append(group.create_task(watching, name="watch the supervisor"))
        else:
            session = service.session
            drainer = Drainer([settings.slot], session.holder, session.all_sessions, settings.ingest_hang_s)
            others.append(group.create_task(drainer.run(), name="empty what is left over"))
            watching = watch_threads(lambda: service.stuck_s, settings.ingest_hang_s)
            others.append(group.create_task(watching, name="watch the threads"))
        if finishes:
            others.append(group.create_task(_end_when_finished(settings, service), name="finish a change"))
        await service.run()
        for task in others:
            task.cancel()
    return not asked.is_set() and (service.session.is_emptied or finishes)


def _all(*calls: Callable[[], None]) -> Callable[[], None]:
    """One call that makes several."""

    def call() -> None:
        for each in calls:
            each()

    return call


async def _end_when_finished(settings: IngestSettings, service: Service) -> None:
    """End the service when nothing is left over of the layout before."""
    await wait_finished([settings.slot], service.session.all_sessions)
    service.stop()


async def _reload(settings: IngestSettings, service: Service, wanted: asyncio.Event) -> None:
    """Use the mapping files as they are now, each time it is asked for; those of before while they are not usable."""
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            mappings = load_all(list(settings.mapping_path))
        except MappingError as error:
            log.error("mappings_not_usable", error=str(error), advice="going on with those of before")  # noqa: TRY400
            continue
        await service.reload(mappings)
        log.info("mappings_read", files=len(mappings))
