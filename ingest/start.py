"""Composition: settings in, a service that runs until SIGTERM or SIGINT; every reason not to start is one line."""

import asyncio
import gc
import logging
import signal
import sys

import structlog
import uvloop

from ingest.child import refuse_to_supervisor, watch_supervisor
from ingest.errors import IngestError, MappingError
from ingest.leases import Ownership
from ingest.leftovers import Drainer
from ingest.mapping import Mapping, load_all
from ingest.metrics import Metrics
from ingest.route import Router
from ingest.service import Service
from ingest.settings import IngestSettings, read_settings
from ingest.sparkplug.host import Host, Options
from ingest.supervisor import supervise
from ingest.tls import make_context
from ingest.writer import Writer
from store.errors import DatabaseUnavailableError, StoreError
from store.logs import configure_log
from store.revision import require_current

GC_THRESHOLD = 100_000  # messages are no cycles: looking for such 100 times a second would cost a tenth of the time

log = structlog.get_logger("ingest")


def main() -> int:
    """Run ingest as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    refuse = refuse_to_people
    try:
        settings = read_settings()
        if settings.is_child:
            refuse = refuse_to_supervisor
        configure_log(settings.log_format, session=settings.slot.session if settings.is_child else "")
        logging.getLogger("gmqtt").setLevel(logging.ERROR)
        if settings.ingest_workers > 1:
            check(settings)
            asyncio.run(supervise(settings))
        else:
            run(settings)
    except (IngestError, StoreError) as error:
        return refuse(str(error))
    except BaseExceptionGroup as group:
        known = group.subgroup((IngestError, StoreError))
        if known is None:
            raise
        return refuse(str(first(known)))
    return 0


def run(settings: IngestSettings) -> None:
    """Check what can be checked at once, then serve.

    Raises:
        IngestError: a setting, a mapping or the broker's answer.
        StoreError: the schema is not this version's.
    """
    router = Router(check(settings), host(settings))
    metrics = Metrics()
    if settings.ingest_metrics_port:
        metrics.serve(settings.ingest_metrics_host, settings.ingest_metrics_port)
    gc.set_threshold(GC_THRESHOLD, 50, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, router, metrics))
    log.info("stopped")


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


async def _serve(settings: IngestSettings, router: Router, metrics: Metrics) -> None:
    service = Service(settings, router, Writer(settings.database_url, settings.limits), metrics)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    reload = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(_reload(settings, service, reload), name="read mapping files again")]
        if settings.is_child:
            others.append(group.create_task(watch_supervisor(service.stop), name="watch the supervisor"))
        else:
            drainer = Drainer([settings.slot], service.session.holder, service.session.all_sessions)
            others.append(group.create_task(drainer.run(), name="empty what is left over"))
        await service.run()
        for task in others:
            task.cancel()


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


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    inner = group.exceptions[0]
    return first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def refuse_to_people(sentence: str) -> int:
    """Say on one line why this cannot go on."""
    sys.stderr.write(f"haidang ingest: {' '.join(sentence.split())}\n")
    return 1
