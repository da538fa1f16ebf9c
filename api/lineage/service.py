"""Joining what the database knows of a lineage with what packages and manifests say of themselves."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal

from sqlalchemy.orm import Session

from api.lineage.schemas import (
    LearntModel,
    LineageRead,
    ReviewerRows,
    SnapshotRead,
    TrainedModel,
    TrainingRowRead,
)
from core.db.models import Prediction
from core.db.repositories import lineage
from core.db.repositories.lineage import NOT_DESCRIBED, Bringing, Origin, TrainingRow
from core.domain.splits import LEARNT, MEASURED, Split
from core.registry.models import UnknownVersion, read_model
from core.registry.packages import CorruptPackage
from core.settings import StoreSettings
from core.store import manifests
from core.store.manifests import NoManifest
from core.store.segments import segment_name

_SnapshotOf = Callable[[str], int | None]
"""The number of the snapshot that a package names; None where the package is gone or damaged."""


def trace(session: Session, store: StoreSettings, row: Prediction) -> LineageRead:
    """Follow a prediction back to the labels behind it, and forward to the models that its own label went into.

    Raises:
        CorruptManifest: the snapshot's file was changed.
    """
    snapshot_of = _snapshots_in(store)
    found = lineage.origin(
        session, model=row.model_name, version=row.model_version, manifest=snapshot_of(row.model_version)
    )
    return LineageRead(
        model=LearntModel(
            name=row.model_name,
            version=row.model_version,
            epoch=row.epoch,
            first_epoch=found.first_epoch if found else None,
            run_id=found.run_id if found else None,
        ),
        snapshot=_snapshot(store, found) if found else None,
        training_rows=_training_rows(session, row, snapshot_of),
    )


def follow(session: Session, store: StoreSettings, row: Prediction) -> list[TrainingRowRead]:
    """Only forward: the product's own rows and the models that they went into, without saying who labelled them."""
    return _training_rows(session, row, _snapshots_in(store))


def _snapshots_in(store: StoreSettings) -> _SnapshotOf:
    @lru_cache
    def snapshot_of(version: str) -> int | None:
        try:
            return read_model(store.packages, version).manifest
        except (UnknownVersion, CorruptPackage):
            return None

    return snapshot_of


def _training_rows(session: Session, row: Prediction, snapshot_of: _SnapshotOf) -> list[TrainingRowRead]:
    return [
        _training_row(place, row.split, _trained(place, epochs, snapshot_of))
        for place, epochs in lineage.training_rows(session, row.id)
    ]


def _snapshot(store: StoreSettings, found: Origin) -> SnapshotRead | None:
    if found.manifest is None:
        return None
    reviewers = [ReviewerRows(reviewer=one.reviewer, rows=one.rows, segments=one.segments) for one in found.labels]
    try:
        manifest = manifests.read(store.training, found.manifest)
    except NoManifest:
        return SnapshotRead(
            manifest=found.manifest, rows=None, imported=None, retracted=None, segments=None, reviewers=reviewers
        )
    retracted = len(manifest.tombstones)
    rows = sum(segment.rows for segment in manifest.segments) - retracted
    return SnapshotRead(
        manifest=found.manifest,
        rows=rows,
        imported=rows - sum(one.rows for one in reviewers),
        retracted=retracted,
        segments=len(manifest.segments),
        reviewers=reviewers,
    )


def _trained(place: TrainingRow, epochs: Iterable[Bringing], snapshot_of: _SnapshotOf) -> list[TrainedModel]:
    """The packages whose snapshot held a row, each in the epoch that served it first."""
    found: dict[tuple[str, str], TrainedModel] = {}
    for epoch in epochs:
        for name, version in epoch.brought.items():
            snapshot = snapshot_of(version) if epoch.kind in NOT_DESCRIBED else epoch.manifest
            if snapshot is None or not place.is_in(snapshot):
                continue
            model = TrainedModel(
                name=name,
                version=version,
                first_epoch=epoch.epoch,
                manifest=snapshot,
                predictions=epoch.answered.get(version, 0),
            )
            found.setdefault((name, version), model)
    return list(found.values())


def _training_row(place: TrainingRow, split: str | None, models: list[TrainedModel]) -> TrainingRowRead:
    return TrainingRowRead(
        segment=segment_name(place.segment),
        row=place.row,
        split=Split(split) if split else None,
        use=_use(split),
        since=place.since,
        until=place.until,
        models=models,
    )


def _use(split: str | None) -> Literal["learnt", "measured", "none"]:
    if split in LEARNT:
        return "learnt"
    return "measured" if split in MEASURED else "none"
