"""What is served, what could be, who decided it, and the categories that answers are given in."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import AdminDep, CallerDep, PartsDep, ReviewerDep, TaxonomyDep, open_to
from api.errors import problems
from api.models.evaluation import EvaluationRead, evaluation_of
from api.models.promoting import PackageDesk, promote
from api.models.schemas import (
    NEWEST_EPOCH,
    Candidates,
    CategoryRead,
    ChampionRead,
    ClassesRead,
    ModelRead,
    PageSize,
    PromotionOrder,
    ReleasePage,
    ReleaseRead,
    RollbackOrder,
    ServedModels,
    Version,
)
from api.models.service import candidates, describe, ledger_page, read, served_models
from api.requests import IdempotencyKey, Terms
from api.strict import StrictRoute
from core.db.repositories import promotions

router = APIRouter(tags=["models"], route_class=StrictRoute)


@router.get("/models", responses=problems(401, 503), openapi_extra=open_to("customer"))
def list_models(caller: CallerDep, parts: PartsDep) -> ServedModels:
    """Every model that answers now, by the name that ``POST /predict?model=`` takes."""
    release = parts.serving.release()
    with parts.readers() as session:
        return served_models(session, release)


@router.get("/models/champion", responses=problems(401, 503), openapi_extra=open_to("customer"))
def read_champion(caller: CallerDep, parts: PartsDep) -> ChampionRead:
    """The release that answers now."""
    return describe(parts.serving.release())


@router.get("/models/candidates", responses=problems(401, 403, 422, 503), openapi_extra=open_to("reviewer"))
def list_candidates(reviewer: ReviewerDep, parts: PartsDep, limit: PageSize = 20) -> Candidates:
    """Packaged models that are not served, newest first; one may be promoted by its version."""
    with parts.readers() as session:
        return candidates(session, parts.settings.store.packages, limit=limit)


@router.get("/models/releases", responses=problems(401, 403, 422, 503), openapi_extra=open_to("reviewer"))
def list_releases(
    reviewer: ReviewerDep,
    parts: PartsDep,
    before: Annotated[int, Query(ge=1, le=NEWEST_EPOCH)] = NEWEST_EPOCH,
    limit: PageSize = 20,
) -> ReleasePage:
    """The ledger: what was served since when, by whose decision and why; newest first."""
    with parts.readers() as session:
        return ledger_page(promotions.page(session, before=before, limit=limit + 1), limit)


@router.get("/models/{version}", responses=problems(401, 403, 404, 409, 422, 503), openapi_extra=open_to("reviewer"))
def read_model(version: Version, reviewer: ReviewerDep, parts: PartsDep) -> ModelRead:
    """One packaged model: what it is made of, what the gate measured, and when it was served."""
    with parts.readers() as session:
        return read(session, parts.settings.store.packages, version)


@router.get(
    "/models/{version}/evaluation", responses=problems(401, 403, 404, 422, 503), openapi_extra=open_to("reviewer")
)
def read_evaluation(version: Version, reviewer: ReviewerDep, parts: PartsDep) -> EvaluationRead:
    """What the newest judgement of a package measured, it and the champion of that day on the same products."""
    with parts.readers() as session:
        return evaluation_of(session, parts.settings.store.packages, parts.shelf, version)


@router.post(
    "/models/{version}/promote", responses=problems(401, 403, 404, 409, 422, 503), openapi_extra=open_to("admin")
)
def promote_model(
    version: Version,
    order: PromotionOrder,
    admin: AdminDep,
    parts: PartsDep,
    taxonomy: TaxonomyDep,
    key: IdempotencyKey = None,
) -> ReleaseRead:
    """Serve a packaged model under its name; it answers within a second of the 200, without a restart.

    Its files are hashed, it is loaded and has to repeat its golden answers before anything moves. The default model
    also needs the gate: let through, or left to a person, who decides by this request; against the gate it takes
    ``override``. Of two admins at once, one gets 200 and the other 409.
    """
    desk = PackageDesk(parts.settings.store.packages, parts.serving)
    facts = desk.choose(version, taxonomy)
    row = Terms(None, key).settle(
        parts.sessions,
        actor_id=admin.id,
        request=("promote", version, order.model_dump()),
        decide=lambda session: promote(session, facts, order, actor_id=admin.id),
        repeated=lambda session: promotions.moved_from(session, order.expected_epoch),
    )
    return ReleaseRead.of(row, admin.username)


@router.post("/models/rollback", responses=problems(401, 403, 409, 422, 503), openapi_extra=open_to("admin"))
def roll_back(order: RollbackOrder, admin: AdminDep, parts: PartsDep, key: IdempotencyKey = None) -> ReleaseRead:
    """Serve again what was served before, from a new epoch on; a rollback of a rollback undoes it."""
    with parts.readers() as session:
        now = promotions.current(session)
    PackageDesk(parts.settings.store.packages, parts.serving).check_swiftly(list(now.previous.values()) if now else [])
    row = Terms(None, key).settle(
        parts.sessions,
        actor_id=admin.id,
        request=("rollback", "", order.model_dump()),
        decide=lambda session: promotions.roll_back(
            session, expected_epoch=order.expected_epoch, actor=admin.id, reason=order.reason
        ),
        repeated=lambda session: promotions.moved_from(session, order.expected_epoch),
    )
    return ReleaseRead.of(row, admin.username)


@router.get("/classes", responses=problems(401, 503), openapi_extra=open_to("customer"))
def list_classes(caller: CallerDep, taxonomy: TaxonomyDep) -> ClassesRead:
    """The categories that can be predicted and chosen."""
    return ClassesRead(
        taxonomy_version=taxonomy.version,
        classes=[CategoryRead.of(category) for category in taxonomy],
    )
