"""The broker's own files from the registry's accounts: who comes in (`passwords`), who may publish what (`acl`). Pure.

Whatever is written into a line is checked again here, so that a name can never become a line or a wildcard of its own.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence

from pilot.errors import PilotError
from store.broker import BrokerAccount

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*", re.ASCII)
LONGEST_NAME = 200
LONGEST_COMMON_NAME = 64  # of an X.509 certificate
OWN = ("ingest", "health")  # accounts of our own services; their passwords come from the environment
SHORTEST_PASSWORD = 16
# PBKDF2 rounds: Mosquitto's own number. Our passwords are 192 random bits, which no number of rounds makes safer, while
# a thousand machines that reconnect at once would wait for each round on the broker's single thread.
ROUNDS = 101
# Of passwords that somebody has chosen: whoever has the file pays for each guess what the broker pays for coming in.
CHOSEN_ROUNDS = 50_000
_HASH = re.compile(r"\$7\$[0-9]+\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+", re.ASCII)
_LEVEL = re.compile(r"[^\s+#/\x00-\x1f\x7f$][^\s+#/\x00-\x1f\x7f]*")
_FROM_NODES = ("NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA")
_TO_NODES = ("NCMD", "DCMD")
_HEAD = """\
# Made by `haidang broker acl` from the registry: change accounts with `haidang broker account`, not here.
# Who is not named below may do nothing.

# Ingest reads whatever machines publish (mapping files name the factory's own topics), says that it is there, and may
# ask Sparkplug nodes to introduce themselves again. It cannot publish readings. What the broker is decides how several
# workers share their work.
user ingest
topic read #
topic read $SYS/broker/version
topic write spBv1.0/STATE/+
topic write spBv1.0/+/NCMD/#
topic write spBv1.0/+/DCMD/#

# The health check of docker-compose.yml.
user health
topic read $SYS/broker/uptime
"""


def new_password() -> str:
    """A password that nobody can guess: 192 random bits."""
    return secrets.token_urlsafe(24)


def hashed(password: str, salt: bytes | None = None, *, rounds: int = ROUNDS) -> str:
    """A password as Mosquitto keeps it: PBKDF2 with SHA-512, `$7$rounds$salt$hash`."""
    salt = secrets.token_bytes(12) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
    return f"$7${rounds}${_base64(salt)}${_base64(digest)}"


def check_name(name: str, *, is_certificate: bool = False) -> str:
    """Refuse a name that is ours, or that could reach further than itself.

    Raises:
        PilotError: says what a name may be.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise PilotError(f"{name!r} cannot be an account: letters, digits, _ . - and / between them.")
    if name.split("/", maxsplit=1)[0] in OWN:
        raise PilotError(f"{name} is an account of our own services.")
    if is_certificate and len(name) > LONGEST_COMMON_NAME:
        raise PilotError(f"The common name of a certificate has at most {LONGEST_COMMON_NAME} characters.")
    return name


def check_filter(topic: str) -> str:
    """Refuse a topic filter that is none, that is all, or that the account's place decides about.

    Raises:
        PilotError: says what is wrong with it.
    """
    *levels, last = topic.split("/")
    whole = [*levels, *([] if last == "#" else [last])]
    if not all(level == "+" or _LEVEL.fullmatch(level) for level in whole):
        raise PilotError(f"{topic!r} is no topic filter: no blanks, + and # only as whole levels, # only at the end.")
    if len(whole) < 2 or whole[0] == "+":
        raise PilotError(f"{topic!r} reaches too far: name at least two levels, the first without a wildcard.")
    if whole[0] in {"haidang", "spBv1.0"}:
        raise PilotError(
            f"{topic!r} is not given by hand: --asset and --sparkplug say what the account may send there."
        )
    return topic


def check_node(node: str) -> str:
    """Refuse what is not GROUP/NODE.

    Raises:
        PilotError: says how it is written.
    """
    levels = node.split("/")
    if len(levels) != 2 or not all(_LEVEL.fullmatch(level) for level in levels):
        raise PilotError(f"{node!r} is no Sparkplug node: write GROUP/NODE, without blanks, + and #.")
    return node


def acl_text(accounts: Iterable[BrokerAccount], mapped: Mapping[str, Sequence[str]] | None = None) -> str:
    """The access list of Mosquitto; `mapped` are topic filters by account that mapping files speak of."""
    blocks = [_HEAD]
    for account in accounts:
        filters = [*rights(account), *(mapped or {}).get(account.name, ())]
        lines = [f"topic write {_in_line(each)}" for each in dict.fromkeys(filters)]
        lines += [f"topic read {_in_line(each)}" for each in readable(account)]
        blocks.append("\n".join([f"user {check_name(account.name)}", *lines, ""]))
    return "\n".join(blocks)


def rights(account: BrokerAccount) -> list[str]:
    """Topic filters below which an account may publish."""
    place = f"{account.site}/{account.asset_prefix}" if account.asset_prefix else account.site
    if not NAME.fullmatch(place):
        raise PilotError(f"Account {account.name}: {place!r} cannot be a place.")
    own = [f"haidang/v1/{place}/#"]
    if account.sparkplug_node:
        group, node = check_node(account.sparkplug_node).split("/")
        own += [f"spBv1.0/{group}/{kind}/{node}/#" for kind in _FROM_NODES]
    return [*own, *map(check_filter, account.topics)]


def readable(account: BrokerAccount) -> list[str]:
    """Topic filters that an account may read: a Sparkplug node its commands and whether its host is there."""
    if not account.sparkplug_node:
        return []
    group, node = check_node(account.sparkplug_node).split("/")
    return [*(f"spBv1.0/{group}/{kind}/{node}/#" for kind in _TO_NODES), "spBv1.0/STATE/+"]


def _in_line(topic: str) -> str:
    first = topic.split("/", maxsplit=1)[0]
    if not topic.isprintable() or topic != topic.strip() or first in {"", "+", "#"} or topic.startswith("$"):
        raise PilotError(f"{topic!r} cannot be a line of the access list.")
    return topic


def password_text(accounts: Iterable[BrokerAccount], own: Mapping[str, str]) -> str:
    """The password file of Mosquitto; `own` are hashes of our own services by name."""
    entries = {name: own[name] for name in OWN if name in own}
    entries |= {check_name(account.name): account.password_hash for account in accounts if account.password_hash}
    wrong = [name for name, value in entries.items() if not _HASH.fullmatch(value)]
    if wrong:
        raise PilotError(
            f"The stored password of {wrong[0]} is not usable: `haidang broker account rotate {wrong[0]}`."
        )
    return "".join(f"{name}:{value}\n" for name, value in entries.items())


def own_hashes(text: str) -> dict[str, str]:
    """The entries of our own services in a password file that is there already."""
    entries = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: value for name, value in entries.items() if name in OWN and _HASH.fullmatch(value)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
