"""What the model routes take and give."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.text import storable
from core.db.models import Promotion
from core.db.repositories.judgements import Judged
from core.domain.taxonomy import Category
from core.registry.models import ModelFacts

NEWEST_EPOCH = 2**31 - 1


def _says_something(text: str) -> str:
    if not text.strip():
        raise ValueError("a reason has to say something")
    return text


WrittenReason = Annotated[
    str, Field(min_length=1, max_length=500), AfterValidator(storable), AfterValidator(_says_something)
]
Version = Annotated[str, Path(description="the package's sha256; what is spelt otherwise names no model")]
ExpectedEpoch = Annotated[int, Field(ge=0, le=NEWEST_EPOCH, description="the epoch that the decision was made upon")]
PageSize = Annotated[int, Query(ge=1, le=100)]


class Weights(BaseModel):
    """What the encoders were loaded from; null where the model has none."""

    text: str | None
    image: str | None


class ChampionRead(BaseModel):
    """The release that answers now.

    ``version`` is the package's sha256, ``weighted_f1`` in [0, 1] was measured by the gate (null where no gate
    was asked), ``codes`` is how many categories it answers in.
    """

    name: str
    version: str
    epoch: int
    weighted_f1: float | None
    promoted_at: datetime
    taxonomy_version: str
    codes: int
    weights: Weights
    run_id: str | None


class ModelSummary(BaseModel):
    """One packaged model.

    ``modalities`` are the halves of a product it can answer from (``image-only`` alone: it needs no designation),
    ``weights`` what its encoders were loaded from by feature, ``manifest`` the snapshot it learnt from,
    ``weighted_f1`` in [0, 1] the newest judgement's, ``decision`` what that judgement said; null: never judged.
    """

    name: str
    version: str
    architecture: str
    taxonomy_version: str
    codes: int
    modalities: list[str]
    weights: dict[str, str]
    manifest: int | None
    weighted_f1: float | None
    decision: str | None

    @classmethod
    def of(cls, facts: ModelFacts, judged: Judged | None, **more: Any) -> Self:
        """Render what a package says of itself and what a judgement said of it."""
        return cls(
            name=facts.name,
            version=facts.version,
            architecture=facts.architecture,
            taxonomy_version=facts.taxonomy_version,
            codes=len(facts.codes),
            modalities=list(facts.modalities),
            weights=dict(facts.weights),
            manifest=facts.manifest,
            weighted_f1=judged.said.weighted_f1 if judged else None,
            decision=judged.said.decision if judged else None,
            **more,
        )


class ServedModels(BaseModel):
    """The release that answers now: every model by its name; ``default`` answers whoever names none."""

    epoch: int
    promoted_at: datetime
    default: str
    models: list[ModelSummary]


class CandidateModel(ModelSummary):
    """A packaged model that is not served; ``packaged_at`` is by the clock of the store's file system."""

    packaged_at: datetime


class Candidates(BaseModel):
    """Packaged models that are not served, newest first."""

    items: list[CandidateModel]


class GateRead(BaseModel):
    """The newest judgement of a package.

    ``manifest`` is the snapshot whose hold-out it was judged on, ``epoch`` the release it was compared with (0: none)
    and ``champion`` the package that this served under its name, ``report`` all numbers behind the reasons, as the gate
    wrote them.
    """

    judged_at: datetime
    decision: str
    reasons: list[str]
    manifest: int
    epoch: int
    champion: str | None
    run_id: str | None
    weighted_f1: float | None
    champion_weighted_f1: float | None
    report: dict[str, Any]

    @classmethod
    def of(cls, judged: Judged) -> Self:
        """Render a judgement."""
        said = judged.said
        return cls(
            judged_at=judged.at.replace(tzinfo=UTC),
            decision=said.decision,
            reasons=list(said.gate.get("reasons", ())),
            manifest=said.manifest,
            epoch=said.epoch,
            champion=said.champion,
            run_id=said.run_id,
            weighted_f1=said.weighted_f1,
            champion_weighted_f1=said.champion_weighted_f1,
            report=dict(said.gate),
        )


class ServiceSpan(BaseModel):
    """Epochs in a row in which a model was served; ``until`` and ``last_epoch`` are null while it still is."""

    first_epoch: int
    last_epoch: int | None
    since: datetime
    until: datetime | None


class ModelRead(ModelSummary):
    """One packaged model with its parts, its judgement and when it was served."""

    packaged_at: datetime
    experts: list[str]
    encoders: dict[str, str]
    gate: GateRead | None
    served: list[ServiceSpan]


class ReleaseRead(BaseModel):
    """One epoch of the ledger.

    ``kind`` is ``first`` or ``gate`` (the gate let it through), ``approved`` (the gate left it to a person), ``manual``
    (a person decided without or against the gate), ``companion`` or ``rollback``. ``promoted_by`` is an account's
    name, or that of a job or operator.
    """

    epoch: int
    kind: str
    models: dict[str, str]
    previous: dict[str, str]
    promoted_by: str
    reason: str
    promoted_at: datetime
    weighted_f1: float | None
    run_id: str | None
    manifest: int | None
    taxonomy_version: str

    @classmethod
    def of(cls, row: Promotion, promoted_by: str) -> Self:
        """Render a row of the ledger."""
        return cls(
            epoch=row.epoch,
            kind=row.kind,
            models=dict(row.models),
            previous=dict(row.previous),
            promoted_by=promoted_by,
            reason=row.reason,
            promoted_at=row.created_at.replace(tzinfo=UTC),
            weighted_f1=weighted_f1(row.gate_report),
            run_id=row.run_id,
            manifest=row.manifest,
            taxonomy_version=row.taxonomy_version,
        )


class ReleasePage(BaseModel):
    """Epochs, newest first; ``next`` is what ``before`` takes for the page after this one, null on the last."""

    items: list[ReleaseRead]
    next: int | None


class PromotionOrder(BaseModel):
    """Why a package is to be served, and upon which epoch that was decided.

    ``override`` serves it although the gate did not let it through.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: WrittenReason
    expected_epoch: ExpectedEpoch
    override: bool = False


class RollbackOrder(BaseModel):
    """Why the release before is to be served again, and upon which epoch that was decided."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: WrittenReason
    expected_epoch: ExpectedEpoch


class CategoryRead(BaseModel):
    """One category; ``label_fr`` and ``theme_fr`` are its French names, the other ones where it has none."""

    prdtypecode: int
    label: str
    label_fr: str
    theme: str
    theme_fr: str

    @classmethod
    def of(cls, category: Category) -> Self:
        """Render a category."""
        return cls(
            prdtypecode=category.code,
            label=category.label,
            label_fr=category.label_fr,
            theme=category.theme,
            theme_fr=category.theme_fr or category.theme,
        )


class ClassesRead(BaseModel):
    """The active taxonomy, ordered by code."""

    taxonomy_version: str
    classes: list[CategoryRead]


def weighted_f1(report: Mapping[str, Any] | None) -> float | None:
    """The challenger's weighted F1 in a gate report; None where the report has none."""
    value = (report or {}).get("weighted_f1")
    return float(value) if isinstance(value, int | float) else None
