"""The steps of an append taken apart, for flawed versions that do them in another order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import SegmentClaim
from core.db.repositories import batches
from core.db.repositories.ingest import Claim
from core.settings import StoreSettings
from core.store import training_csv
from core.store.manifests import Tombstone, publish_batch
from core.store.rows import TrainingRow
from core.store.segments import segment_name, write_segment
from preprocessing.images import ImageFolder
from preprocessing.ingest import __main__ as command
from preprocessing.ingest import claim as claiming
from preprocessing.ingest.append import MAX_ROWS, Appended, active_taxonomy, training_row
from preprocessing.ingest.claim import Choice
from preprocessing.ingest.tensors import tensors_of

Append = Callable[..., Appended | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim would hold at this moment."""

    claim: Claim
    rows: list[TrainingRow]
    tombstones: list[Tombstone]

    @property
    def appended(self) -> Appended:
        """What the command reports."""
        return Appended(segment_name(self.claim.segment), self.claim.rows, 0, self.claim.retractions)


def choose(sessions: sessionmaker[Session], store: StoreSettings) -> Choice:
    """What waits now."""
    return claiming.choose(sessions, ImageFolder(store.images), MAX_ROWS)


def decide(session: Session, choice: Choice, run_key: str) -> Batch:
    """Claim the choice, in a transaction that the caller keeps or gives up; an open claim is forgotten first."""
    session.execute(delete(SegmentClaim).where(SegmentClaim.ingested_at.is_(None)))
    claim = claiming._claim(session, run_key, choice)
    rows = [training_row(row) for row in batches.claimed_rows(session, claim)]
    stones = [Tombstone(segment_name(at.segment), at.row) for at in batches.retracted_rows(session, claim)]
    return Batch(claim, rows, stones)


def publish(store: StoreSettings, batch: Batch, number: int | None = None) -> int:
    """Write the batch's files, as segment ``number`` if that is given, and the manifest that names them."""
    name = segment_name(batch.claim.segment if number is None else number)
    tensors = tensors_of(batch.rows, ImageFolder(store.images))
    segment = write_segment(store.training, name, batch.rows, tensors) if batch.rows else None
    version = active_taxonomy(store).version
    manifest = publish_batch(store.training, segment, batch.tombstones, taxonomy_version=version)
    training_csv.refresh(store.training)
    return manifest


@contextmanager
def instead_of_append(flawed: Append) -> Iterator[None]:
    """The command appends by ``flawed`` until the end of the block."""
    sound = command.append
    command.append = flawed
    try:
        yield
    finally:
        command.append = sound
