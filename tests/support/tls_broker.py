"""A real Mosquitto with TLS listeners of every kind that a configuration can get wrong."""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilot.ports import LOCALHOST, answers, free_port
from tests.support.broker import mosquitto_path
from tests.support.certificates import Authority, Pair
from tests.support.required import missing
from tests.support.waiting import wait_until

HERE = ("localhost", LOCALHOST)


@dataclass(frozen=True)
class TlsBroker:
    """Ports by kind: plain, tls, mtls, expired, elsewhere; the authority of all, and one that nobody trusts."""

    ports: dict[str, int]
    authority: Authority
    stranger: Authority

    def url(self, kind: str, host: str = LOCALHOST, scheme: str = "mqtts") -> str:
        return f"{scheme}://{host}:{self.ports[kind]}"


@contextmanager
def running_tls_broker(folder: Path, acl: str = "") -> Iterator[TlsBroker]:
    """Run it for the time of the context; who comes with a certificate is called as the certificate says."""
    path = mosquitto_path()
    if path is None:
        missing("mosquitto", "the embedded broker speaks no TLS")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    broker = TlsBroker(
        {kind: free_port() for kind in ("plain", "tls", "mtls", "expired", "elsewhere")}, authority, stranger
    )
    config = folder / "mosquitto.conf"
    config.write_text(_configuration(folder, broker, acl), "utf-8")
    with (folder / "broker.log").open("ab") as log:
        process = subprocess.Popen([path, "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: all(map(answers, broker.ports.values())), timeout_s=20, what="the broker")
        yield broker
    finally:
        process.terminate()
        process.wait(20)


def _configuration(folder: Path, broker: TlsBroker, acl: str) -> str:
    certificates = {
        "tls": broker.authority.issue("server", hosts=HERE),
        "mtls": broker.authority.issue("server-mtls", hosts=HERE),
        "expired": broker.authority.issue("server-expired", hosts=HERE, days=-1),
        "elsewhere": broker.authority.issue("server-elsewhere", hosts=("elsewhere.example",)),
    }
    lines = ["per_listener_settings false", "allow_anonymous true", f"user {getpass.getuser()}", "log_dest stderr"]
    if acl:
        (folder / "acl").write_text(acl, "utf-8")
        lines.append(f"acl_file {folder / 'acl'}")
    lines.append(f"listener {broker.ports['plain']} {LOCALHOST}")
    for kind, pair in certificates.items():
        lines += _listener(broker, kind, pair)
    return "\n".join(lines) + "\n"


def _listener(broker: TlsBroker, kind: str, pair: Pair) -> list[str]:
    lines = [
        f"listener {broker.ports[kind]} {LOCALHOST}",
        f"certfile {pair.cert}",
        f"keyfile {pair.key}",
        f"cafile {broker.authority.file}",
        "tls_version tlsv1.2" if kind == "elsewhere" else "tls_version tlsv1.3",
    ]
    return [*lines, "require_certificate true", "use_identity_as_username true"] if kind == "mtls" else lines
