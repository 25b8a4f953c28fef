"""Key files: where a factory, a witness or a programme keeps the key that it signs with."""

import os
import stat
from pathlib import Path

from maturity.errors import KeyFileError
from maturity.notes import SIGNING_KEY, PublicKey, SigningKey

_MAX_BYTES = 1000


def write_key(path: Path, key: SigningKey) -> None:
    """Keep a new signing key in a file that only its owner can read.

    Raises:
        KeyFileError: the file is there already (a key is never overwritten) or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{path} is there already; a signing key is not overwritten.") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.secret + "\n")


def write_public_key(path: Path, key: PublicKey) -> Path:
    """Write the public key beside the file of its signing key, as FILE.pub."""
    public = path.with_name(path.name + ".pub")
    try:
        public.write_text(f"{key}\n", "ascii")
    except OSError as error:
        raise KeyFileError(f"{public} cannot be written: {error.strerror}.") from error
    return public


def read_key(path: Path) -> SigningKey:
    """Read a signing key.

    Raises:
        KeyFileError: there is none, it is damaged, or others may read the file.
    """
    text = _text(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyFileError(f"Others may read the signing key {path}; protect it: chmod 600 {path}")
    return SigningKey.parse(text)


def read_public_key(given: str) -> PublicKey:
    """Read a public key that is given as it is handed out, or as the name of a file that holds it.

    Raises:
        KeyFileError: it is neither.
    """
    is_key = given.count("+") >= len(("name+id", "id+key")) and "\n" not in given.strip()
    text = given if is_key else _text(Path(given))
    if text.startswith(SIGNING_KEY):
        where = "This" if is_key else given
        raise KeyFileError(
            f"{where} is a signing key, which stays with its owner; its public key is in the file FILE.pub."
        )
    return PublicKey.parse(text)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(_MAX_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KeyFileError(f"The key {path} cannot be read: {reason}.") from error
