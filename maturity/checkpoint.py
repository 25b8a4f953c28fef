"""Checkpoints of the evidence log: its origin, its size and its root as a note that the factory and witnesses sign.

In the form of transparency logs (C2SP tlog-checkpoint): origin, number of records, root in base64, one per line.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from maturity.errors import ProofError
from maturity.merkle import HASH_BYTES

_TEXT = re.compile(r"(?P<origin>[^\n]{1,200})\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True)
class Checkpoint:
    """What a log said at one moment: so many records, this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a checkpoint.

        Raises:
            ProofError: it is none.
        """
        match = _TEXT.fullmatch(text)
        if not match:
            raise ProofError("This is no checkpoint: origin, number of records and root, one per line.")
        try:
            root = base64.b64decode(match["root"], validate=True)
        except binascii.Error as error:
            raise ProofError("The root of the checkpoint is not base64.") from error
        found = cls(match["origin"], int(match["size"]), root)
        if len(root) != HASH_BYTES or found.text != text:
            raise ProofError("The root of the checkpoint is not a SHA-256.")
        return found
