"""Which nodes are to be asked for a rebirth, and when: not often each, not many at once."""

Key = tuple[str, str]
BURST_S = 5.0


class Rebirths:
    """Remembers who must introduce itself again until it does; the clock is the caller's, in seconds."""

    def __init__(self, every_s: float, most_per_s: float) -> None:
        self._every_s = every_s
        self._most_per_s = most_per_s
        self._wanted: set[Key] = set()
        self._asked: dict[Key, float] = {}
        self._tokens = most_per_s * BURST_S
        self._filled_at = 0.0

    def want(self, node: Key) -> None:
        """A node must introduce itself again."""
        if self._every_s > 0:
            self._wanted.add(node)

    def came(self, node: Key) -> None:
        """A node did."""
        self._wanted.discard(node)

    def forget(self) -> None:
        """Nobody is waited for: what is known was read anew."""
        self._wanted.clear()

    def is_due(self, node: Key, now_s: float) -> bool:
        """Whether to ask a node now; if so, it counts as asked."""
        if node not in self._wanted or now_s < self._asked.get(node, -self._every_s) + self._every_s:
            return False
        most = self._most_per_s * BURST_S
        self._tokens = min(most, self._tokens + (now_s - self._filled_at) * self._most_per_s)
        self._filled_at = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        self._prune(now_s)
        self._asked[node] = now_s
        return True

    def _prune(self, now_s: float) -> None:
        if len(self._asked) >= 10_000:
            self._asked = {node: at for node, at in self._asked.items() if at + self._every_s > now_s}
