"""What each site may send: a token bucket of values for every site that has a quota, filled over a minute.

Asked and spent by the event loop, before anything is decoded. The writer's thread brings what was spent to the account
that all workers share in the database, and its balance back. No lock: each number has one writer.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from ingest.decode.result import Decoded, Rejection
from ingest.message import Message
from ingest.route import Source
from store import site_quota
from store.pool import Connection
from store.raw_registry import SiteRow

OVER_QUOTA = "over_quota"
KEPT_IN_A_MINUTE = 10  # refused messages of a site that a worker keeps for replay; the others are counted
SYNC_S = 1.0


class Balance(NamedTuple):
    """What a site had left at a time, when it had spent so much here."""

    left: float
    at: float
    spent: float


class Bucket:
    """The values that one site has left, as far as this worker knows."""

    __slots__ = ("_at", "_known", "_left", "balance", "credit", "rate", "refusal", "reported", "site_id", "spent")

    def __init__(self, site: SiteRow, rate: int, now: float) -> None:
        self.site_id = site.site_id
        self.rate = rate
        self.spent = 0.0  # in all; this and what follows is the event loop's
        self.credit = 0.0
        self._left = float(rate * site_quota.WINDOW_S)
        self._at = now
        self._known: Balance | None = None
        self.reported = 0.0  # what the writer's thread told of that; its own, as is `balance`
        self.balance: Balance | None = None
        self.refusal = refusal(site, rate)

    def left(self, now: float) -> float:
        """Values that may still come at once; below zero, so many were too much."""
        if self.balance is not self._known and self.balance is not None:
            self._known = balance = self.balance
            self._left, self._at = balance.left - (self.spent - balance.spent), balance.at
        self._left = min(self._left + self.rate * (now - self._at), float(self.rate * site_quota.WINDOW_S))
        self._at = now
        return self._left

    def spend(self, values: int, now: float) -> None:
        """Take values, first from what there is, then from what is forgiven."""
        if self.credit > 0 and self.left(now) <= 0:
            self.credit -= values
        else:
            self.spent += values
            self._left -= values


class SiteQuotas:
    """The buckets of all sites that have a quota; empty, and free of cost, where there is none."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._sites: dict[str, SiteRow] = {}
        self._synced_at = -float("inf")
        self.active = False  # whether any site has a quota: asked for each message

    # -- event loop -----------------------------------------------------------------------------------

    def refusal(self, source: Source) -> Decoded | None:
        """What becomes of a message of this source undecoded, if its site has nothing left.

        What says that a device is there or gone is never refused: it is rare, and much hangs on it.
        """
        bucket = self._buckets.get(source.site)
        if bucket is None or bucket.credit > 0 or bucket.left(self._clock()) > 0 or says_presence(source):
            return None
        return bucket.refusal

    def spend(self, message: Message) -> None:
        """Count a message that was let in; one without values counts as one value."""
        bucket = self._buckets.get(message.source.site)
        if bucket is None or (message.decoded.whole is not None and message.decoded.whole is bucket.refusal.whole):
            return
        bucket.spend(message.decoded.count + len(message.decoded.events) or 1, self._clock())

    def forgive(self, seconds: float) -> None:
        """We were away for so long, and what came meanwhile comes now: it may, at the rate of the quota."""
        for bucket in self._buckets.values():
            bucket.credit = max(bucket.credit, 0.0) + seconds * bucket.rate

    # -- writer's thread ------------------------------------------------------------------------------

    def take(self, sites: dict[str, SiteRow]) -> None:
        """Take over the quotas of the registry."""
        if sites is self._sites:
            return
        self._sites = sites
        now = self._clock()
        buckets: dict[str, Bucket] = {}
        for key, site in sites.items():
            rate = site.most_values_per_s
            if rate is not None:
                known = self._buckets.get(key)
                same = known is not None and (known.rate, known.site_id) == (rate, site.site_id)
                buckets[key] = known if known is not None and same else Bucket(site, rate, now)
        self._buckets, self.active = buckets, bool(buckets)

    def sync(self, connection: Connection) -> None:
        """Bring what was spent to the shared account, at most once in a second; commits."""
        now = self._clock()
        if not self._buckets or now - self._synced_at < SYNC_S:
            return
        self._synced_at = now
        spent = {bucket: bucket.spent for bucket in self._buckets.values() if bucket.spent != bucket.reported}
        if not spent:
            return
        amounts = {bucket.site_id: (bucket.rate, total - bucket.reported) for bucket, total in spent.items()}
        left = site_quota.spend(connection, amounts)
        connection.commit()
        for bucket, total in spent.items():
            bucket.reported = total
            bucket.balance = Balance(left[bucket.site_id], now, total)


def says_presence(source: Source) -> bool:
    """Whether messages of a source say that a device is there or gone: status topics, births and deaths."""
    return source.is_status or (source.place is not None and not source.place.kind.endswith("DATA"))


def refusal(site: SiteRow, rate: int) -> Decoded:
    """The refusal of a whole message over the quota."""
    detail = (
        f"site {site.key} sends more than its quota of {rate:,} values in a second, averaged over a minute: raise "
        f"quota.values_per_s in its site file and apply it. Of each minute {KEPT_IN_A_MINUTE} such messages are kept "
        "by each worker; the others are counted in the last of these, and not kept"
    )
    return Decoded(whole=Rejection(OVER_QUOTA, detail, 0))
