"""Readers of notes, checkpoints, keys, proofs and records refuse whatever is none, by their own errors alone."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maturity.audit import audit
from maturity.checkpoint import Checkpoint
from maturity.errors import KeyFileError, MaturityError, ProofError, SignatureError
from maturity.filing import is_filed_rightly
from maturity.merkle import Tree, leaf_hash, root_from_parts, verify_consistency
from maturity.notes import Note, PublicKey, SigningKey, note_of
from maturity.rotation import KIND, announcement, key_periods
from maturity.witness import Consistency
from store.evidence import StoredCheckpoint
from tests.support.inclusion import root_from_inclusion

KEY = SigningKey("factory.example/log", bytes(32))
POINT = Checkpoint(KEY.name, 5, leaf_hash(b"x"))
NOTE = note_of(POINT.text, [KEY.sign_note(POINT.text)])
PROOF = Consistency.of(Tree.of(leaf_hash(bytes([n])) for n in range(9)), 5, 9).to_json()
FEW = settings(max_examples=40)


def damaged(text: str) -> st.SearchStrategy[str]:
    """A text with a stretch replaced, or any text."""
    places = st.integers(0, len(text))
    cut = st.builds(lambda low, high, new: text[:low] + new + text[high:], places, places, st.text(max_size=4))
    return cut | st.text(max_size=60)


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.just(str(KEY.public)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@FEW
@given(damaged(NOTE))
def test_a_note_is_read_or_refused(text: str) -> None:
    try:
        found = Note.parse(text)
        signed = found.signed_by([KEY.public])
        said = Checkpoint.parse(found.text)
    except (SignatureError, ProofError):
        return
    assert said.text == found.text
    assert not signed or said == POINT


@FEW
@given(damaged(POINT.text))
def test_a_checkpoint_is_read_as_it_is_written(text: str) -> None:
    try:
        found = Checkpoint.parse(text)
    except ProofError:
        return
    assert found.text == text


@FEW
@given(damaged(str(KEY.public)), damaged(KEY.secret))
def test_keys_are_read_or_refused(public: str, secret: str) -> None:
    for read, text in ((PublicKey.parse, public), (SigningKey.parse, secret)):
        try:
            read(text)
        except KeyFileError:
            continue


@FEW
@given(damaged(PROOF) | st.fixed_dictionaries({"earlier": PLAIN, "later": PLAIN, "path": PLAIN}).map(json.dumps))
def test_a_proof_is_read_or_refused(text: str) -> None:
    try:
        found = Consistency.parse(text)
        verify_consistency(found.earlier, found.later, (bytes(32), bytes(32)), found.path)
    except ProofError:
        return


@pytest.mark.parametrize("text", ['{"earlier":1e999,"later":2,"path":[]}', "[" * 100_000, "7", '{"path":[7]}', ""])
def test_odd_proofs_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        Consistency.parse(text)


HASH = st.binary(min_size=32, max_size=32)


@FEW
@given(HASH, st.integers(-2, 9), st.integers(-2, 9), st.lists(HASH, max_size=5))
def test_paths_that_prove_nothing_are_refused(leaf: bytes, index: int, size: int, path: list[bytes]) -> None:
    root = Tree.of([leaf_hash(b"mine")] * 9).root()
    with contextlib.suppress(ProofError):
        assert root_from_inclusion(leaf, index, size, path) != root
    with contextlib.suppress(ProofError):
        assert root_from_parts({index: leaf}, {(index, size): leaf}, max(size, 0)) != root


@FEW
@given(st.fixed_dictionaries({"kind": st.just(KIND), "key": PLAIN, "replaces": PLAIN, "signature": PLAIN}))
def test_announcements_that_somebody_made_up_are_refused(record: dict[str, Any]) -> None:
    first = announcement(KEY.public, None)
    for signature in (record["signature"], "é"):
        made_up = {**record, "key": str(KEY.public), "replaces": str(KEY.public), "signature": signature}
        for second in (record, made_up):
            with pytest.raises(MaturityError):
                key_periods([(0, first), (1, second)])


@pytest.mark.parametrize(
    "text", ['{"kind":"key"', '["kind","key",{"kind":"key"}]', '{"kind":"key","x":' + "[" * 50_000]
)
def test_the_audit_goes_on_after_a_record_that_is_none(text: str) -> None:
    rows = [(0, leaf_hash(b"{}"), text, KIND, "key/x", None), (1, leaf_hash(b"{}"), "{}", "", "|", None)]
    point = StoredCheckpoint(2, KEY.name, bytes(32), datetime(2026, 11, 4, tzinfo=UTC), (KEY.sign_note(POINT.text),))
    found = audit(rows, [point])
    assert any("Record 0 was changed" in each for each in found.findings)
    assert any("not those of the checkpoint" in each for each in found.findings)
    assert not is_filed_rightly(text, KIND, "key/x", None)
