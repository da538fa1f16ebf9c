"""Describing packaged models and the release that answers."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import Path

from sqlalchemy.orm import Session

from api.models.promoting import refused
from api.models.schemas import (
    CandidateModel,
    Candidates,
    ChampionRead,
    GateRead,
    ModelRead,
    ModelSummary,
    ReleasePage,
    ReleaseRead,
    ServedModels,
    ServiceSpan,
    Weights,
    weighted_f1,
)
from api.serving.engine import Predictor, Release
from core.db.repositories import judgements, promotions
from core.db.repositories.promotions import LedgerStep
from core.registry.models import ModelFacts, newest_models, packaged_at, read_model
from core.registry.packages import CorruptPackage


def describe(release: Release) -> ChampionRead:
    """The default model of a release, with what the gate measured of it and what its encoders were loaded from."""
    name, model = release.model(None)
    weights = model.spec.get("weights", {})
    return ChampionRead(
        name=name,
        version=model.sha,
        epoch=release.epoch,
        weighted_f1=weighted_f1(release.gate_report),
        promoted_at=release.promoted_at.replace(tzinfo=UTC),
        taxonomy_version=model.taxonomy_version,
        codes=len(model.codes),
        weights=Weights(text=weights.get("text"), image=weights.get("image")),
        run_id=release.run_id,
    )


def served_models(session: Session, release: Release) -> ServedModels:
    """Every model of a release, in the order of their names."""
    judged = judgements.newest_of(session, [model.sha for model in release.models.values()])
    models = [ModelSummary.of(_facts(name, one), judged.get(one.sha)) for name, one in sorted(release.models.items())]
    return ServedModels(
        epoch=release.epoch,
        promoted_at=release.promoted_at.replace(tzinfo=UTC),
        default=release.default_name,
        models=models,
    )


def _facts(name: str, model: Predictor) -> ModelFacts:
    return ModelFacts.of(model.sha, {**model.spec, "name": name})


def candidates(session: Session, packages: Path, *, limit: int) -> Candidates:
    """The packaged models that are not served."""
    now = promotions.current(session)
    found = newest_models(packages, limit=limit, leave_out=set(now.models.values()) if now else ())
    judged = judgements.newest_of(session, [facts.version for facts in found])
    return Candidates(
        items=[
            CandidateModel.of(facts, judged.get(facts.version), packaged_at=packaged_at(packages, facts.version))
            for facts in found
        ]
    )


def read(session: Session, packages: Path, version: str) -> ModelRead:
    """One packaged model.

    Raises:
        UnknownVersion: no model is packaged under this version.
        PackageRefused: its manifest or spec is damaged.
    """
    try:
        facts = read_model(packages, version)
    except CorruptPackage as error:
        raise refused(version, error) from error
    judged = judgements.newest_of(session, [version]).get(version)
    return ModelRead.of(
        facts,
        judged,
        packaged_at=packaged_at(packages, version),
        experts=list(facts.experts),
        encoders=dict(facts.encoders),
        gate=GateRead.of(judged) if judged else None,
        served=spans(promotions.steps(session), version),
    )


def spans(ledger: Iterable[LedgerStep], version: str) -> list[ServiceSpan]:
    """The runs of epochs in which a package was served under any name, oldest first; ``ledger`` is, too."""
    found: list[ServiceSpan] = []
    last: LedgerStep | None = None
    for step in ledger:
        serving = version in step.models.values()
        if serving and (not found or found[-1].until is not None):
            found.append(
                ServiceSpan(first_epoch=step.epoch, last_epoch=None, since=step.at.replace(tzinfo=UTC), until=None)
            )
        elif not serving and last is not None and found and found[-1].until is None:
            found[-1].last_epoch, found[-1].until = last.epoch, step.at.replace(tzinfo=UTC)
        last = step
    return found


def ledger_page(rows: Sequence[promotions.Move], limit: int) -> ReleasePage:
    """A page of up to ``limit`` epochs; ``rows`` holds one more where there are more."""
    items = [ReleaseRead.of(move.row, move.promoted_by) for move in rows[:limit]]
    return ReleasePage(items=items, next=items[-1].epoch if len(rows) > limit else None)
