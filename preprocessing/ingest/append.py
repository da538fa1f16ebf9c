"""Verdicts change the training data, each exactly once, whatever stops the process and whenever.

    claim    one transaction numbers a batch and freezes its rows; from here on the files are decided
    write    products.csv and images.npy appear as one folder, whole, or not at all
    publish  the next manifest names the folder and the rows that no longer count, so a corrected product changes in
             one step; of two writers one wins, the other builds on top
    mark     one transaction moves predictions, outbox and claim on

Stopped anywhere, the next run resumes the open batch and repeats what was done without effect. Two runs at once
do the same work to the same end.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import batches, ingest, judgements, retrain_requests
from core.db.repositories.batches import ClaimedRow
from core.db.repositories.ingest import Claim
from core.db.session import transact
from core.domain.taxonomy import Taxonomy
from core.errors import NotFound
from core.settings import LoopSettings, StoreSettings
from core.store import manifests, training_csv
from core.store.manifests import Tombstone, publish_batch
from core.store.rows import TrainingRow
from core.store.segments import segment_name, write_segment
from preprocessing.images import ImageFolder
from preprocessing.ingest.claim import claim_batch
from preprocessing.ingest.tensors import tensors_of

_log = logging.getLogger(__name__)

MAX_ROWS = 5_000
"""Most rows of one segment; what waits beyond them is the next run's."""


class NoTaxonomy(NotFound):
    """The store has no active categories yet."""

    code = "store.no_taxonomy"


@dataclass(frozen=True, slots=True)
class Appended:
    """What one run did to the training store.

    Attributes:
        segment: the batch's name; there is no such folder if it has no rows.
        rows: rows added.
        manifest: the first that holds the batch.
        retractions: retractions carried out.
    """

    segment: str
    rows: int
    manifest: int
    retractions: int = 0


def is_due(sessions: sessionmaker[Session], loop: LoopSettings, run_key: str) -> bool:
    """Whether this run should append: it already did, a batch lies open, enough waits long enough, or a person asks."""
    with sessions() as session:
        if ingest.claim_of_run(session, run_key) is not None:
            return True
        return ingest.due(session, min_rows=loop.min_rows, max_age_s=loop.max_age_s)


def is_unjudged(sessions: sessionmaker[Session]) -> bool:
    """Whether the training after the newest batch, or the newest wish for one, failed: nothing was judged since."""
    with sessions() as session:
        return judgements.newest_is_missing(session) or judgements.wish_is_unanswered(session)


def take_request(sessions: sessionmaker[Session], run_key: str) -> bool:
    """Whether this run carries out a person's wish for a retraining; one that waits becomes its own."""
    return transact(sessions, lambda session: retrain_requests.take(session, run_key))


def append(
    sessions: sessionmaker[Session], store: StoreSettings, *, run_key: str, max_rows: int = MAX_ROWS
) -> Appended | None:
    """Bring one batch of validated, corrected and retracted predictions into the training store.

    Args:
        sessions: sessions that write.
        store: where the store is.
        run_key: who asks; the same key again gets the same batch.
        max_rows: most predictions of the batch.

    Returns:
        The batch, or None when nothing waited that could be done.

    Raises:
        NoTaxonomy: no catalogue was imported.
        LostPhoto: a row's photo went after it was claimed; the batch stays open and is resumed when it is back.
        SegmentDiffers: the store holds another segment of this number (the database is older than the store).
        UnknownRow: the store lacks a row that is to be retracted (the database is newer than the store).
    """
    taxonomy_version = active_taxonomy(store).version
    claim = claim_batch(sessions, ImageFolder(store.images), run_key=run_key, max_rows=max_rows)
    if claim is not None:
        failpoints.reach("append.claimed")
        done = _ingest(sessions, store, claim, taxonomy_version)
    else:
        done = None
    if manifests.numbers(store.training):
        training_csv.refresh(store.training)
    return done


def _ingest(sessions: sessionmaker[Session], store: StoreSettings, claim: Claim, taxonomy_version: str) -> Appended:
    name = segment_name(claim.segment)
    if claim.manifest is not None:
        return Appended(name, claim.rows, claim.manifest, claim.retractions)
    with sessions() as session:
        rows = [training_row(row) for row in batches.claimed_rows(session, claim)]
        retracted = batches.retracted_rows(session, claim)
        # Another job may have finished the batch since it was claimed, and its products may have been erased then:
        # what was read is frozen only if the batch is still open now.
        finished = ingest.manifest_of(session, claim.segment)
    if finished is not None:
        return Appended(name, claim.rows, finished, claim.retractions)
    tombstones = [Tombstone(segment_name(address.segment), address.row) for address in retracted]
    segment = write_segment(store.training, name, rows, tensors_of(rows, ImageFolder(store.images))) if rows else None
    manifest = publish_batch(store.training, segment, tombstones, taxonomy_version=taxonomy_version)
    failpoints.reach("append.published")
    marked = transact(sessions, partial(_mark, claim=claim, manifest=manifest))
    failpoints.reach("append.marked")
    facts = {"segment": name, "rows": claim.rows, "retractions": claim.retractions, "manifest": manifest}
    _log.info("append.done", extra={**facts, "marked": marked})
    return Appended(name, claim.rows, manifest, claim.retractions)


def _mark(session: Session, claim: Claim, manifest: int) -> bool:
    marked = batches.mark(session, claim, manifest)
    failpoints.reach("append.marking")
    return marked


def training_row(row: ClaimedRow) -> TrainingRow:
    """A frozen prediction as the training store keeps it."""
    return TrainingRow(
        product_id=row.prediction_id,
        prediction_id=row.prediction_id,
        designation=row.designation,
        description=row.description or "",
        prdtypecode=row.prdtypecode,
        image_sha256=row.image_sha256 or "",
        source="validated",
        split=row.split,
        cluster=row.cluster,
        reviewer=row.reviewer_id,
        validated_at=_iso(row.decided_at),
        model_version_shown=row.model_version,
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds") + "Z"


def active_taxonomy(store: StoreSettings) -> Taxonomy:
    """The categories that an import made active.

    Raises:
        NoTaxonomy: nothing was imported yet.
    """
    path = store.root / "taxonomy.csv"
    if not path.is_file():
        raise NoTaxonomy(f"there is no {path}: import a catalogue first")
    return Taxonomy.from_csv(path)
