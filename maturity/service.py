"""The evidence service: enters what has become final and signs it, again and again, through outages."""

import structlog

from maturity import keys
from maturity.closing import close_due_days
from maturity.errors import MaturityError
from maturity.notes import SigningKey
from maturity.settings import EvidenceSettings, read_settings
from store.errors import DatabaseUnavailableError, translated
from store.pool import connect
from store.revision import require_current
from store.starting import serve_as, stop_on_signals

log = structlog.get_logger("evidence")


def main() -> int:
    """Run as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    return serve_as("evidence", read_settings, run, MaturityError)


def run(settings: EvidenceSettings) -> None:
    """Enter and sign until SIGTERM or SIGINT.

    Raises:
        MaturityError: the key cannot be used, or the log is not what was signed.
        StoreError: the schema is not this version's.
    """
    stop = stop_on_signals()
    key = keys.read_key(settings.signing_key_file) if settings.signing_key_file else None
    if key is None:
        log.warning("unsigned", advice="name a key with HAIDANG_SIGNING_KEY_FILE; without one nothing is signed")
    checked = False
    while not stop.is_set():
        try:
            if not checked:
                require_current(settings.database_url)
                checked = True
            _enter(settings.database_url, key)
        except DatabaseUnavailableError as error:
            log.warning("database_unreachable", error=str(error), advice="trying again")
        stop.wait(settings.evidence_every_s)
    log.info("stopped")


def _enter(url: str, key: SigningKey | None) -> None:
    with translated(url), connect(url, "evidence", autocommit=True) as connection:
        closed = close_due_days(connection, key)
    if closed.days:
        log.info("entered", action="entered", days=closed.days, records=closed.records, signed=closed.note is not None)
