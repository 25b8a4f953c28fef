"""Signed notes and Ed25519 keys: texts that people can read and standard tools can check.

A note is a text and below it, after an empty line, one line per signature: `— NAME BASE64(key id ‖ signature)`. A key
is written `NAME+KEYID+BASE64(algorithm ‖ key)`, its id being the first four bytes of
SHA-256(NAME ‖ newline ‖ algorithm ‖ key). Source: the note format of Go's checksum database and of transparency logs
(C2SP signed-note); algorithm 1 is Ed25519 (RFC 8032).
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from maturity.errors import KeyFileError, SignatureError

ED25519 = b"\x01"
KEY_BYTES = 32
SIGNATURE_BYTES = 64
_ID_BYTES = 4
_NAME = re.compile(r"[^\s+]{1,100}")
_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
SIGNING_KEY = "PRIVATE+KEY+"


@dataclass(frozen=True)
class PublicKey:
    """A named Ed25519 key that checks signatures."""

    name: str
    raw: bytes

    @cached_property
    def key_id(self) -> bytes:
        """Four bytes that tell which key a signature is by."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.raw)}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read a key as it is handed out.

        Raises:
            KeyFileError: the text is no such key, or its id is not that of its bytes.
        """
        name, key_id, encoded = _three_parts(text)
        key = cls(name, _key_bytes(encoded))
        if key.key_id.hex() != key_id:
            raise KeyFileError(f"The key of {name} is damaged: its id is {key.key_id.hex()}, not {key_id}.")
        return key

    def check(self, message: bytes, signature: bytes) -> None:
        """Check a signature over a message.

        Raises:
            SignatureError: the signature is not this key's over this message.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(f"The signature is not one of {self.name} over this text.") from error


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A named Ed25519 key that signs; it is never shown or logged."""

    name: str
    seed: bytes

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """Make a new key.

        Raises:
            KeyFileError: the name is empty, too long, or has blanks or a plus sign.
        """
        if not _NAME.fullmatch(name):
            raise KeyFileError(f"A key's name has 1 to 100 characters without blanks and plus signs, not {name!r}.")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Read a key as `secret` writes it.

        Raises:
            KeyFileError: the text is no such key.
        """
        if not text.startswith(SIGNING_KEY):
            raise KeyFileError("This is no signing key of ours: it does not begin with PRIVATE+KEY+.")
        name, key_id, encoded = _three_parts(text.removeprefix(SIGNING_KEY))
        key = cls(name, _key_bytes(encoded))
        if key.public.key_id.hex() != key_id:
            raise KeyFileError(f"The signing key of {name} is damaged: its id does not fit.")
        return key

    @property
    def secret(self) -> str:
        """The key as a line of text, for its file."""
        return f"{SIGNING_KEY}{self.name}+{self.public.key_id.hex()}+{_base64(ED25519 + self.seed)}"

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> PublicKey:
        """The key that checks what this one signs."""
        return PublicKey(self.name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a message: 64 bytes."""
        return self._private.sign(message)

    def sign_note(self, text: str) -> str:
        """Write the signature line of a note's text."""
        return f"— {self.name} {_base64(self.public.key_id + self.sign(text.encode()))}"


@dataclass(frozen=True)
class Signature:
    """A signature line of a note."""

    name: str
    key_id: bytes
    raw: bytes

    @property
    def text(self) -> str:
        """The line as it is written."""
        return f"— {self.name} {_base64(self.key_id + self.raw)}"

    def is_by(self, key: PublicKey) -> bool:
        """Whether the line says that it is this key's."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True)
class Note:
    """A text and the signatures below it; nothing is checked by reading it."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> "Note":
        """Read a note.

        Raises:
            SignatureError: it is none.
        """
        text, found, lines = note.rpartition("\n\n")
        matches = [_LINE.fullmatch(line) for line in lines.removesuffix("\n").split("\n")]
        if not found or not note.endswith("\n") or not all(matches):
            raise SignatureError("This is no signed note: a text, an empty line, and lines of signatures.")
        return cls(text + "\n", tuple(_signature(match) for match in matches if match))

    def signed_by(self, keys: Iterable[PublicKey]) -> list[PublicKey]:
        """List the given keys that signed the text.

        Raises:
            SignatureError: a line names one of the keys, but is wrong.
        """
        found = []
        for key in keys:
            for line in self.signatures:
                if line.is_by(key):
                    key.check(self.text.encode(), line.raw)
                    found.append(key)
                    break
        return found


def note_of(text: str, lines: Iterable[str]) -> str:
    """Put a text, which ends with a newline, and its signature lines together."""
    return text + "\n" + "".join(f"{line}\n" for line in lines)


def _signature(match: re.Match[str]) -> Signature:
    raw = _decoded(match["signature"])
    if len(raw) != _ID_BYTES + SIGNATURE_BYTES:
        raise SignatureError(f"The signature of {match['name']} has not the length of one.")
    return Signature(match["name"], raw[:_ID_BYTES], raw[_ID_BYTES:])


def _three_parts(text: str) -> tuple[str, str, str]:
    parts = text.strip().split("+", 2)
    if len(parts) != len(("name", "id", "key")) or not _NAME.fullmatch(parts[0]):
        raise KeyFileError("This is no key: it reads NAME+ID+KEY.")
    if not parts[0].isprintable():  # half letters of a terminal's bytes, controls
        raise KeyFileError("This is no key: its name cannot be written.")
    return parts[0], parts[1], parts[2]


def _key_bytes(encoded: str) -> bytes:
    try:
        raw = _decoded(encoded)
    except SignatureError as error:
        raise KeyFileError("This is no key: its last part is not base64.") from error
    if raw[:1] != ED25519 or len(raw) != 1 + KEY_BYTES:
        raise KeyFileError("This is no Ed25519 key.")
    return raw[1:]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError("A signature is not base64.") from error
    if _base64(raw) != text:
        raise SignatureError("A signature is not written in the one way that base64 has.")
    return raw
