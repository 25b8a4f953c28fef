"""Who shares out the topics among several workers: the broker's word about itself in, `own` or `broker` out.

Mosquitto (2.0.11 and 2.0.21 were tried) forgets shared subscriptions at a restart, not the plain ones
(docs/decisions/0014-workers.md). Which broker it is, it says in a retained message. One that says nothing may be a
Mosquitto that does not let us read that, so only a broker that calls itself something else is left to share.
"""

import asyncio

import structlog

from ingest.backoff import Backoff
from ingest.connection import BrokerConnection, BrokerUnreachableError
from ingest.errors import BrokerRefusedError
from ingest.settings import IngestSettings
from ingest.waiting import pause

VERSION = "$SYS/broker/version"
SHOWN = 80  # characters of a version
UNSAID = "does not say what it is: if its shared subscriptions survive its restart, set HAIDANG_INGEST_SHARING=broker"
MOST_SILENCES = 2  # the first may be that of a broker that is being restarted
_FORGETFUL = "mosquitto"

log = structlog.get_logger("ingest")


class _SilentError(Exception):
    """The broker takes the connection and not the question."""


def is_own_better(version: str) -> bool:
    """Whether a broker that calls itself so may forget shared subscriptions when it restarts."""
    return not version or _FORGETFUL in version.casefold()


async def is_own(settings: IngestSettings, stopping: asyncio.Event) -> bool:
    """Whether the workers of these settings share out the topics themselves; asks the broker where that is to be."""
    if settings.ingest_sharing != "auto":
        return settings.ingest_sharing == "own"
    version = await broker_version(settings, stopping)
    own = is_own_better(version)
    log.info("sharing", topics_by="workers" if own else "broker", broker=version[:SHOWN] or UNSAID)
    return own


async def broker_version(settings: IngestSettings, stopping: asyncio.Event) -> str:
    """What the broker says it is; nothing where it does not say so, or the end came first. Waits for the broker."""
    backoff = Backoff()
    said, silences = "", 0
    while not stopping.is_set():
        try:
            return await _ask(settings)
        except BrokerRefusedError:
            return ""  # not for us; where it is the whole connection, the workers say so
        except _SilentError:
            silences += 1
            if silences == MOST_SILENCES:
                return ""
            await pause(backoff.next_s(), stopping)
        except BrokerUnreachableError as error:
            if str(error) != said:
                log.warning("broker_unreachable", error=str(error))
            said = str(error)
            await pause(backoff.next_s(), stopping)
    return ""


async def _ask(settings: IngestSettings) -> str:
    """Ask once, under a name of its own that leaves no session.

    Raises:
        BrokerUnreachableError: it cannot be reached.
        _SilentError: it can, and does not answer this: rumqttd closes the connection.
        BrokerRefusedError: it does not want us, or does not let us read that.
    """
    name = f"{settings.ingest_client_id}-asks"
    changes = {"ingest_client_id": name, "ingest_slot": 0, "ingest_slots": 1, "ingest_session_expiry_s": 0}
    heard: list[bytes] = []
    connection = BrokerConnection(
        settings.model_copy(update=changes), lambda _topic, payload, *_: heard.append(payload)
    )
    try:
        await connection.open([])
        await connection.add_filters([VERSION])
        await connection.ping()  # what is retained came before the answer;
        await connection.ping()  # that to a ping of the client's own may come first
    except OSError as error:  # TimeoutError is one
        raise _SilentError from error
    finally:
        await connection.close()
    return heard[0].decode("utf-8", "replace") if heard else ""
