"""Composition: settings in, a service that runs until SIGTERM or SIGINT; every reason not to start is one line."""

import asyncio
import gc
import logging
import signal
import sys

import structlog
import uvloop

from ingest.errors import IngestError
from ingest.mapping import load_all
from ingest.metrics import Metrics
from ingest.route import Router
from ingest.service import Service
from ingest.settings import IngestSettings, read_settings
from ingest.tls import make_context
from ingest.writer import Writer
from store.errors import DatabaseUnavailableError, StoreError
from store.logs import configure_log
from store.revision import require_current

GC_THRESHOLD = 100_000  # messages are no cycles: looking for such 100 times a second would cost a tenth of the time

log = structlog.get_logger("ingest")


def main() -> int:
    """Run ingest as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    try:
        settings = read_settings()
        configure_log(settings.log_format)
        logging.getLogger("gmqtt").setLevel(logging.ERROR)
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
    router = Router(load_all(list(settings.mapping_path)))
    if settings.tls is not None:
        make_context(settings.tls)
    metrics = Metrics()
    if settings.ingest_metrics_port:
        metrics.serve(settings.ingest_metrics_host, settings.ingest_metrics_port)
    try:
        require_current(settings.database_url)
    except DatabaseUnavailableError as error:
        log.warning("database_unreachable", error=str(error), advice="waiting for it")
    gc.set_threshold(GC_THRESHOLD, 50, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, router, metrics))
    log.info("stopped")


async def _serve(settings: IngestSettings, router: Router, metrics: Metrics) -> None:
    service = Service(settings, router, Writer(settings.database_url, settings.limits), metrics)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    await service.run()


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    inner = group.exceptions[0]
    return first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def refuse(sentence: str) -> int:
    """Say on one line why this cannot go on."""
    sys.stderr.write(f"haidang ingest: {' '.join(sentence.split())}\n")
    return 1
