"""Where an answer comes from, and where a label went: through the ledger, the batches and the outbox.

Two questions, each one statement. Backward: prediction → release → snapshot → whose labels the snapshot held. Forward:
prediction → its training rows → the releases whose snapshot held them → how much each package has answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    case,
    distinct,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from core.db.models import Outbox, Prediction, Promotion, SegmentClaim, UserAccount, Verdict
from core.db.repositories.labels import retracted_in
from core.domain.promotion import PromotionKind
from core.domain.review import OutboxKind

ROLLBACK = "rollback"
NOT_DESCRIBED = (PromotionKind.COMPANION.value, ROLLBACK)
"""Kinds of epochs whose snapshot may be another model's than that of the one they bring."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How many rows of a snapshot one person accepted or corrected last, and in how many segments they lie."""

    reviewer: str
    rows: int
    segments: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What a prediction's model learnt from.

    Attributes:
        first_epoch: the release that first served the package under this name.
        run_id: the tracking server's run; None for a companion, whose epoch describes the champion.
        manifest: the snapshot, None where nobody knows.
        labels: of people, by account.
    """

    first_epoch: int
    run_id: str | None
    manifest: int | None
    labels: tuple[Labels, ...]


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A row that the training store was given for a prediction.

    Attributes:
        segment: its batch.
        row: its place there, from 0.
        since: the first manifest that held it; None while the batch is being written.
        until: the first manifest without it; None: it is still there.
    """

    segment: int
    row: int
    since: int | None
    until: int | None

    def is_in(self, manifest: int) -> bool:
        """Whether the snapshot of this number holds it."""
        return self.since is not None and self.since <= manifest and (self.until is None or manifest < self.until)


@dataclass(frozen=True, slots=True)
class Bringing:
    """A release's epoch, and how many predictions each of the packages it names has answered so far."""

    epoch: int
    kind: str
    models: Mapping[str, str]
    previous: Mapping[str, str]
    manifest: int | None
    answered: dict[str, int]

    @property
    def brought(self) -> dict[str, str]:
        """The models that this epoch served and the one before did not, by name."""
        return {name: version for name, version in self.models.items() if self.previous.get(name) != version}


def origin(session: Session, *, model: str, version: str, manifest: int | None) -> Origin | None:
    """Where the answers of a package come from.

    Args:
        session: one that reads.
        model: the name it was served under.
        version: the package's sha256.
        manifest: the snapshot that the package names; None asks the ledger, which does not know a companion's.

    Returns:
        None where the ledger never named the package so.
    """
    rows = session.execute(select_origin(model, version, manifest)).all()
    if not rows:
        return None
    first = rows[0]
    labels = tuple(Labels(row.username, row.rows, row.segments) for row in rows if row.rows)
    return Origin(first.epoch, None if first.kind in NOT_DESCRIBED else first.run_id, first.snapshot, labels)


def select_origin(model: str, version: str, manifest: int | None) -> Select[Any]:
    """The statement behind ``origin``: one row for each person whose labels the snapshot held, or one without any."""
    first = _first_epoch(model, version, manifest)
    append = aliased(Outbox)
    rows, segments = func.count(append.id), func.count(distinct(append.segment))
    return (
        select(first, UserAccount.username, rows.label("rows"), segments.label("segments"))
        .select_from(first)
        .outerjoin(SegmentClaim, SegmentClaim.manifest <= first.c.snapshot)
        .outerjoin(append, and_(_is_append_of(append), ~_was_retracted_by(append, first.c.snapshot)))
        .outerjoin(
            Verdict, and_(Verdict.prediction_id == append.prediction_id, Verdict.prediction_version == append.version)
        )
        .outerjoin(UserAccount, UserAccount.id == Verdict.reviewer_id)
        .group_by(*first.c, UserAccount.username)
        .order_by(rows.desc(), UserAccount.username)
    )


def _first_epoch(model: str, version: str, manifest: int | None) -> Subquery:
    """The epoch that first served a package under a name, and the snapshot that it learnt from."""
    of_ledger = case((Promotion.kind.in_(NOT_DESCRIBED), null()), else_=Promotion.manifest)
    snapshot = of_ledger if manifest is None else literal(manifest)
    return (
        select(Promotion.epoch, Promotion.kind, Promotion.run_id, snapshot.label("snapshot"))
        .where(Promotion.models[model].as_string() == version)
        .order_by(Promotion.epoch)
        .limit(1)
        .subquery()
    )


def _is_append_of(append: type[Outbox]) -> ColumnElement[bool]:
    return and_(append.segment == SegmentClaim.segment, append.kind == OutboxKind.APPEND.value)


def _was_retracted_by(append: type[Outbox], snapshot: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a retraction of the row had been published when the snapshot was made."""
    gone, claim = aliased(Outbox), aliased(SegmentClaim)
    return exists().where(
        gone.prediction_id == append.prediction_id,
        gone.kind == OutboxKind.RETRACT.value,
        gone.version > append.version,
        claim.segment == gone.segment,
        claim.manifest <= snapshot,
    )


def training_rows(session: Session, prediction_id: str) -> list[tuple[TrainingRow, list[Bringing]]]:
    """Every row that a prediction was given in the training store, each with the epochs that may have learnt from it.

    An epoch of ``NOT_DESCRIBED`` is among them whatever its snapshot: only the packages it brings know theirs.
    """
    found: dict[TrainingRow, dict[int, Bringing]] = {}
    for row in session.execute(select_training_rows(prediction_id)):
        place = TrainingRow(row.segment, row.segment_row, row.since, row.until)
        epochs = found.setdefault(place, {})
        if row.epoch is None:
            continue
        known = epochs.setdefault(
            row.epoch, Bringing(row.epoch, row.kind, row.models, row.previous, row.manifest, answered={})
        )
        if row.model_version is not None:
            known.answered[row.model_version] = row.predictions
    return [(place, list(epochs.values())) for place, epochs in found.items()]


def select_training_rows(prediction_id: str) -> Select[Any]:
    """The statement behind ``training_rows``: a row for each row of the store, epoch and package that answered."""
    stays = _stays(prediction_id)
    answered = (
        select(Prediction.model_version, func.count().label("predictions"))
        .group_by(Prediction.model_version)
        .subquery()
    )
    held = and_(Promotion.manifest >= stays.c.since, or_(stays.c.until.is_(None), Promotion.manifest < stays.c.until))
    ledger = (Promotion.epoch, Promotion.kind, Promotion.models, Promotion.previous, Promotion.manifest)
    # A sha256 stands in the epoch's JSON or it does not: no database needs to unfold the document for that.
    named = type_coerce(Promotion.models, Text).contains(answered.c.model_version)
    return (
        select(stays, *ledger, answered.c.model_version, answered.c.predictions)
        .select_from(stays)
        .outerjoin(Promotion, or_(held, Promotion.kind.in_(NOT_DESCRIBED)))
        .outerjoin(answered, named)
        .order_by(stays.c.segment, stays.c.segment_row, Promotion.epoch)
    )


def _stays(prediction_id: str) -> Subquery:
    """The rows of a prediction, from the first manifest that held each until the first without it."""
    return (
        select(Outbox.segment, Outbox.segment_row, SegmentClaim.manifest.label("since"), retracted_in().label("until"))
        .join(SegmentClaim, SegmentClaim.segment == Outbox.segment)
        .where(
            Outbox.prediction_id == prediction_id,
            Outbox.kind == OutboxKind.APPEND.value,
            Outbox.segment_row.is_not(None),
        )
        .subquery()
    )
