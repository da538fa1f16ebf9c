"""Asking for a retraining, and seeing what came of it."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from api.deps import AdminDep, PartsDep, ReviewerDep, open_to
from api.errors import problems
from api.retraining.schemas import RetrainOrder, RetrainRead
from api.strict import StrictRoute
from core.db.repositories import judgements, retrain_requests
from core.db.session import transact
from core.errors import NotFound

router = APIRouter(tags=["models"], route_class=StrictRoute)


class NeverRequested(NotFound):
    """Nobody has asked for a retraining yet; those that verdicts start need no asking."""

    code = "retrain.never_requested"


@router.post("/retrain", status_code=202, responses=problems(401, 403, 422, 503), openapi_extra=open_to("admin"))
def request_retraining(order: RetrainOrder, admin: AdminDep, parts: PartsDep) -> RetrainRead:
    """Ask for a retraining on what there is, however few verdicts wait.

    At most one request waits: while it does, whoever asks gets that one. It is in the database before this is
    answered, so it is carried out even if the orchestrator is away: the next run takes it.
    """

    def ask(session: Session) -> RetrainRead:
        request_id = retrain_requests.ask(session, account_id=admin.id, reason=order.reason)
        return RetrainRead.of(retrain_requests.of_id(session, request_id), None)

    return transact(parts.sessions, ask)


@router.get("/retrain", responses=problems(401, 403, 404, 503), openapi_extra=open_to("reviewer"))
def read_retraining(reviewer: ReviewerDep, parts: PartsDep) -> RetrainRead:
    """The request that was made last, and how far it has come."""
    with parts.readers() as session:
        wish = retrain_requests.newest(session)
        if wish is None:
            raise NeverRequested("Nobody has asked for a retraining yet.")
        taken_at = wish.request.taken_at
        return RetrainRead.of(wish, judgements.first_since(session, taken_at) if taken_at else None)
