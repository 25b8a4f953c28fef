"""What a host application says: its state to everybody, a request for a rebirth to one node. Bytes out."""

from typing import NamedTuple

import msgspec

from ingest.sparkplug.payload import BOOLEAN
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.sparkplug.topics import NAMESPACE, STATE

REBIRTH = "Node Control/Rebirth"


class Outgoing(NamedTuple):
    """A message to publish."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


def state(host_id: str, at_ms: int, *, online: bool) -> Outgoing:
    """The state of a primary host; `at_ms` of the will and of the announcement that follows it are the same."""
    payload = msgspec.json.encode({"online": online, "timestamp": at_ms})
    return Outgoing(f"{NAMESPACE}/{STATE}/{host_id}", payload, qos=1, retain=True)


def says_offline(payload: bytes) -> bool:
    """Whether a STATE message says that its host is offline."""
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("online") is False


def rebirth(group: str, node: str, at_ms: int) -> Outgoing:
    """The command that asks a node to introduce itself and its devices again."""
    metric = Metric(name=REBIRTH, timestamp=at_ms, datatype=BOOLEAN, boolean_value=True)
    payload = Payload(timestamp=at_ms, metrics=[metric])
    return Outgoing(f"{NAMESPACE}/{group}/NCMD/{node}", payload.SerializeToString())
