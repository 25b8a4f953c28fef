"""Console sessions and one-time login links: signed texts that name a key by its public prefix, never its secret.

A session is checked against the key at each request, so it ends when the key is revoked or expires.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

from store.access import prefix_of

COOKIE = "haidang_session"
LINK_SECONDS = 600

Purpose = Literal["session", "login"]


def login_link(session_secret: str, base_url: str, key: str, *, seconds: int = LINK_SECONDS) -> str:
    """Make a link that signs one browser in with a key, once, within `seconds`.

    Args:
        session_secret: HAIDANG_SESSION_SECRET of the API that will answer.
        base_url: where the API answers, e.g. http://127.0.0.1:8000.
        key: the key's whole text; only its prefix gets into the link.
        seconds: how long the link can be used.
    """
    prefix = prefix_of(key)
    if prefix is None:
        raise ValueError("not a key: it must read hd_<prefix>_<secret>")
    token = sign(session_secret, "login", prefix, time.time() + seconds)
    return f"{base_url.rstrip('/')}/login?token={quote(token)}"


def sign(secret: str, purpose: Purpose, prefix: str, expires_at: float) -> str:
    """Sign who may do what until when (seconds since 1970)."""
    claim = {"for": purpose, "key": prefix, "until": int(expires_at), "once": secrets.token_hex(12)}
    payload = _encode(json.dumps(claim, separators=(",", ":")).encode())
    return f"{payload}.{_mac(secret, payload)}"


def verify(secret: str, purpose: Purpose, token: str, now: float) -> dict[str, Any] | None:
    """The claim of a text that we signed for this purpose and that has not expired, else null."""
    payload, _, mac = token.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(secret, payload).encode()):
        return None
    try:
        claim: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return None
    return claim if claim.get("for") == purpose and claim["until"] > now else None


class Sessions:
    """Signs and checks for one running API; remembers which login links were used."""

    def __init__(self, secret: str, hours: float, clock: Callable[[], float] = time.time) -> None:
        self.seconds = int(hours * 3600)
        self._secret, self._clock = secret, clock
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    def open(self, prefix: str) -> str:
        """The cookie text of a new session of a key."""
        return sign(self._secret, "session", prefix, self._clock() + self.seconds)

    def holder(self, cookie: str) -> str | None:
        """Prefix of the key a session belongs to."""
        claim = verify(self._secret, "session", cookie, self._clock())
        return str(claim["key"]) if claim else None

    def redeem(self, token: str) -> str | None:
        """Prefix of the key a login link is for; a second time there is none."""
        now = self._clock()
        claim = verify(self._secret, "login", token, now)
        if claim is None:
            return None
        with self._lock:
            self._used = {once: until for once, until in self._used.items() if until > now}
            if claim["once"] in self._used:
                return None
            self._used[claim["once"]] = claim["until"]
        return str(claim["key"])


def _mac(secret: str, payload: str) -> str:
    return _encode(hmac.digest(secret.encode(), payload.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
