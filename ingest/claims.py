"""Who has a place or a name first: two topics of other standards whose names become one of ours are told apart.

Only what is worked out from names is claimed; where a mapping says that two topics are one place, they are.
"""

from ingest.decode.result import shown
from ingest.formats import TopicError
from ingest.recent import Recent

MOST = 400_000


class Claims:
    """Remembers who was first, bounded; the second is refused until the mappings change or the service starts again."""

    def __init__(self, most: int = MOST) -> None:
        self._owners: Recent[tuple[str, ...], str] = Recent(most)

    def claim_asset(self, site: str, asset: str, owner: str) -> None:
        """Take a place for a node, device or location as it names itself.

        Raises:
            TopicError: another one whose name becomes the same has it.
        """
        other = self._other((site, asset), owner)
        if other:
            place = shown(f"{site}/{asset}".rstrip("/"), 120)
            detail = f"{shown(owner, 120)} would be {place} like {shown(other, 120)}: name one of them in a mapping"
            raise TopicError("name_taken", detail, site)

    def claim_series(self, site: str, asset: str, name: str, owner: str) -> None:
        """Take a series for a tag or group as the topic names it.

        Raises:
            TopicError: another tag of this asset, whose name becomes the same, has it.
        """
        other = self._other((site, asset, name), owner)
        if other:
            detail = f"{shown(owner)} would be called {shown(name)} like {shown(other)}: name one of them in a mapping"
            raise TopicError("name_taken", detail, site)

    def _other(self, key: tuple[str, ...], owner: str) -> str:
        """Who has it already, if that is somebody else."""
        found = self._owners.get(key)
        if found is None:
            self._owners.put(key, owner)
        return "" if found is None or found == owner else found
