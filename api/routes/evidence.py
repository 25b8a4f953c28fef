"""`/v1/evidence`: records of the caller's sites in the evidence log, its newest signed checkpoint, and proofs."""

import threading
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from api import answers, paging, problems
from api.deps import Caller, CallerScope, Paging, Site
from api.maturity_schemas import EvidencePage, EvidenceRecord, InclusionPublic, ProofPublic
from api.roles import note_view
from api.routes.responses import COMMON, OF_A_SITE
from api.routes.responses import problems as documented
from maturity.checkpoint import Checkpoint
from maturity.merkle import Tree
from maturity.notes import note_of
from store import evidence
from store.evidence import StoredCheckpoint
from store.pool import Connection

router = APIRouter(prefix="/v1/evidence", tags=["evidence"], responses=COMMON)


@dataclass(frozen=True)
class BeforeSeq:
    """The place of a record in the order of reading, newest first."""

    seq: int | None = None


class Grown:
    """The tree of the log as far as it was needed, kept between requests: hashes alone."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._lock = threading.Lock()

    def up_to(self, connection: Connection, checkpoint: StoredCheckpoint) -> Tree:
        """The tree of at least the records of a checkpoint, read again if it is that of another database."""
        with self._lock:
            if self._tree.size < checkpoint.tree_size:
                self._tree.extend(evidence.leaf_hashes(connection, self._tree.size))
            size = checkpoint.tree_size
            if self._tree.size < size or self._tree.root(size) != checkpoint.root:
                self._tree = Tree.of(evidence.leaf_hashes(connection, 0))
            return self._tree


_grown = Grown()


@router.get("", responses={200: {"model": EvidencePage}, **OF_A_SITE})
def list_records(
    request: Request,
    scope: CallerScope,
    caller: Caller,
    site: Site,
    page: Paging,
    kind: Annotated[str | None, Query(max_length=100, description="only this kind, e.g. kpi, assessment")] = None,
) -> Response:
    """List the records of a site, newest first, each as it was hashed."""
    before = paging.decode(request, page.cursor, BeforeSeq)
    rows = evidence.page_of_site(scope.connection, site["site_id"], kind, before.seq, page.limit + 1)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, BeforeSeq(rows[-1]["seq"]))
    note_view(scope.connection, caller, "evidence", site["key"], kind=kind)
    items = [EvidenceRecord.model_validate(row) for row in rows]
    return answers.json_answer(request, EvidencePage(site=site["key"], items=items, next_cursor=cursor), cursor)


@router.get("/checkpoint", response_class=PlainTextResponse, responses=documented(404))
def show_checkpoint(scope: CallerScope) -> PlainTextResponse:
    """Show the newest checkpoint as a signed note, for who keeps them outside."""
    return PlainTextResponse(_note(_newest(scope.connection)))


@router.get("/{record}/proof", responses=documented(404, 409))
def prove(scope: CallerScope, caller: Caller, record: Annotated[int, Path(ge=0, lt=2**63)]) -> ProofPublic:
    """Prove that a record is in the log of the newest checkpoint."""
    found = evidence.record(scope.connection, record)
    if found is None:
        raise problems.not_found("record", f"There is no record {record} of your sites in the evidence log.")
    newest = _newest(scope.connection)
    if record >= newest.tree_size:
        raise problems.conflict("not-signed", f"Record {record} is newer than the newest checkpoint; ask again later.")
    tree = _grown.up_to(scope.connection, newest)
    path = [each.hex() for each in tree.inclusion_proof(record, newest.tree_size)]
    note_view(scope.connection, caller, "proof", found["site"], record=record)
    shown = EvidenceRecord.model_validate(found)
    inclusion = InclusionPublic(record=record, size=newest.tree_size, leaf_hash=shown.leaf_hash, path=path)
    return ProofPublic(record=shown, checkpoint=_note(newest), inclusion=inclusion)


def _newest(connection: Connection) -> StoredCheckpoint:
    found = evidence.newest_checkpoint(connection)
    if found is None:
        raise problems.not_found(
            "checkpoint", "The log has no checkpoint yet: `haidang evidence checkpoint` signs one."
        )
    return found


def _note(checkpoint: StoredCheckpoint) -> str:
    return note_of(Checkpoint(checkpoint.origin, checkpoint.tree_size, checkpoint.root).text, checkpoint.lines)
