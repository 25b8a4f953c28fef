"""Signed statements: an in-toto Statement (v1) over files, in a DSSE envelope (v1). Pure.

Sources: in-toto attestation framework, Statement v1; secure-systems-lab DSSE, protocol and envelope.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maturity.errors import SignatureError
from maturity.notes import PublicKey, SigningKey
from model.canonical import canonical_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://haidang.example/evidence-package/v1"


@dataclass(frozen=True)
class Statement:
    """What is said: names of files with their SHA-256 (hexadecimal), the circumstances, and of what kind these are."""

    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]
    kind: str = PREDICATE_TYPE

    def payload(self) -> bytes:
        """The statement as it is signed: canonical JSON, subjects by name."""
        subjects = [{"name": name, "digest": {"sha256": sha}} for name, sha in sorted(self.subjects.items())]
        return canonical_json(
            {
                "_type": STATEMENT_TYPE,
                "subject": subjects,
                "predicateType": self.kind,
                "predicate": dict(self.predicate),
            }
        )

    @classmethod
    def parse(cls, payload: bytes, kind: str = PREDICATE_TYPE) -> "Statement":
        """Read a statement of ours, of this kind.

        Raises:
            SignatureError: it is another kind of statement, or not written as we write it.
        """
        try:
            said = json.loads(payload)
            subjects = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
            found = cls(subjects, said["predicate"], kind)
            is_ours = found.payload() == payload
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SignatureError("The signed statement is none of ours.") from error
        if not is_ours:
            raise SignatureError("The signed statement is not written in the one way that ours are.")
        return found


def sign(statement: Statement, key: SigningKey) -> bytes:
    """Sign a statement: the envelope as canonical JSON."""
    payload = statement.payload()
    return _envelope(payload, key.public, key.sign(_pre_authentication(payload)))


def verify(envelope: bytes, key: PublicKey, kind: str = PREDICATE_TYPE) -> Statement:
    """Check an envelope and read its statement, which must be of this kind.

    Raises:
        SignatureError: it is no envelope, not by this key, or not written in the one way that ours are.
    """
    try:
        said = json.loads(envelope)
        payload = base64.b64decode(said["payload"], validate=True)
        signatures = [(each["keyid"], base64.b64decode(each["sig"], validate=True)) for each in said["signatures"]]
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise SignatureError("The signature of the package is no DSSE envelope.") from error
    if len(signatures) != 1 or signatures[0][0] != key_id(key):
        named = ", ".join(str(each[0])[:80] for each in signatures) or "nobody"
        raise SignatureError(f"The package is signed by {named}, not by {key_id(key)}.")
    key.check(_pre_authentication(payload), signatures[0][1])
    if _envelope(payload, key, signatures[0][1]) != envelope:
        raise SignatureError("The envelope of the signature is not written in the one way that ours are.")
    return Statement.parse(payload, kind)


def names(envelope: bytes, key: PublicKey) -> bool:
    """Whether an envelope says that it is signed by a key; nothing is checked."""
    try:
        return [each["keyid"] for each in json.loads(envelope)["signatures"]] == [key_id(key)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def key_id(key: PublicKey) -> str:
    """How the envelope names a key: its name and id."""
    return f"{key.name}+{key.key_id.hex()}"


def _envelope(payload: bytes, key: PublicKey, signature: bytes) -> bytes:
    signed = {"keyid": key_id(key), "sig": base64.b64encode(signature).decode()}
    return canonical_json(
        {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": [signed]}
    )


def _pre_authentication(payload: bytes) -> bytes:
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
