"""Keys and signed notes: what is read back, and what is refused."""

import stat
from pathlib import Path

import pytest

from maturity.checkpoint import Checkpoint
from maturity.errors import KeyFileError, ProofError, SignatureError
from maturity.keys import read_key, read_public_key, write_key, write_public_key
from maturity.merkle import Tree, leaf_hash
from maturity.notes import Note, PublicKey, SigningKey, note_of
from maturity.rotation import announcement, key_in_force, key_periods
from maturity.witness import Consistency, cosign

# The example of the format's own documentation (Go's note package): key, text, signature.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_is_read_and_checked() -> None:
    key = PublicKey.parse(GO_KEY)
    assert Note.parse(GO_NOTE).signed_by([key]) == [key]
    with pytest.raises(SignatureError):
        Note.parse(GO_NOTE.replace("cryptography", "cryptographies")).signed_by([key])


def test_keys_are_written_for_their_owner_only_and_read_back(tmp_path: Path) -> None:
    key = SigningKey.generate("factory.example/log")
    write_key(tmp_path / "key", key)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert read_key(tmp_path / "key") == key
    assert read_public_key(str(key.public)) == key.public
    assert read_public_key(str(write_public_key(tmp_path / "key", key.public))) == key.public
    assert key.secret not in repr(key)
    with pytest.raises(KeyFileError, match="not overwritten"):
        write_key(tmp_path / "key", key)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+AA==", GO_KEY[:-2] + "X=", GO_KEY.replace("c74f20a3", "c74f20a4"), "a b+0+AQ=="]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 101])
def test_a_key_has_a_plain_name(name: str) -> None:
    with pytest.raises(KeyFileError):
        SigningKey.generate(name)


@pytest.mark.parametrize(
    "note", ["", "text", "text\n\n", "text\n\n— a !!!\n", "text\n\n— a AAAA\n", "text\n\n— a AAA\nb\n"]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(SignatureError):
        Note.parse(note)


def test_checkpoints_are_written_in_one_way() -> None:
    made = Checkpoint("factory.example", 7, bytes(range(32)))
    assert Checkpoint.parse(made.text) == made
    for text in ("", made.text + "more\n", made.text.replace("7", "07"), made.text.replace("7", "-7"), made.text[:-2]):
        with pytest.raises(ProofError):
            Checkpoint.parse(text)


def test_a_new_key_is_announced_by_the_one_before() -> None:
    first, second = SigningKey.generate("log"), SigningKey.generate("log")
    said = [(0, announcement(first.public, None)), (5, announcement(second.public, first))]
    periods = key_periods(said, pinned=first.public)
    assert [key_in_force(periods, size) for size in (0, 1, 5, 6)] == [None, first.public, first.public, second.public]
    with pytest.raises(SignatureError, match="never signed"):
        key_periods(said, pinned=SigningKey.generate("log").public)
    stranger = SigningKey.generate("log")
    forged = {**announcement(stranger.public, stranger), "replaces": str(first.public)}
    for bad in (announcement(second.public, None), forged, {**said[1][1], "signature": "?"}, {**said[1][1], "key": 1}):
        with pytest.raises(SignatureError):
            key_periods([said[0], (5, bad)])
    with pytest.raises(SignatureError, match="is called log"):
        key_periods([said[0], (5, announcement(SigningKey.generate("other").public, first))])


def test_a_witness_signs_what_only_grew() -> None:
    log, witness = SigningKey.generate("log"), SigningKey.generate("witness")
    tree = Tree.of(leaf_hash(bytes([each])) for each in range(9))
    forged = Tree.of(leaf_hash(bytes([each, 1])) for each in range(9))
    small, large, other = (
        Note.parse(note_of(text, [log.sign_note(text)]))
        for text in (
            Checkpoint("log", 4, tree.root(4)).text,
            Checkpoint("log", 9, tree.root()).text,
            Checkpoint("log", 9, forged.root()).text,
        )
    )
    first = Note.parse(cosign(small, log.public, witness))
    proof = Consistency.parse(Consistency.of(tree, 4, 9).to_json())
    second = Note.parse(cosign(large, log.public, witness, first, proof))
    assert second.signed_by([log.public, witness.public]) == [log.public, witness.public]
    with pytest.raises(ProofError, match="does not begin with"):
        cosign(other, log.public, witness, first, Consistency.of(forged, 4, 9))
    with pytest.raises(ProofError, match="proof is missing"):
        cosign(large, log.public, witness, first)
    with pytest.raises(SignatureError, match="earlier checkpoint is not signed"):
        cosign(large, log.public, witness, small, proof)
    with pytest.raises(SignatureError):
        cosign(large, SigningKey.generate("log").public, witness)
