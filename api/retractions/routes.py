"""Taking a person's labels back."""

from fastapi import APIRouter

from api.deps import AdminDep, PartsDep, open_to
from api.errors import problems
from api.retractions.schemas import RetractionOrder, RetractionRead
from api.strict import StrictRoute
from core.retraction import take_back

router = APIRouter(tags=["review"], route_class=StrictRoute)


@router.post("/admin/retractions", responses=problems(401, 403, 404, 422, 503), openapi_extra=open_to("admin"))
def retract_labels(body: RetractionOrder, admin: AdminDep, parts: PartsDep) -> RetractionRead:
    """Take back every label that a reviewer gave in a time span and that still stands.

    The next snapshot is without them, and a retraining follows. It goes in portions: sent again after a lost
    connection, it does what is left. The answer names the released models that learnt from such labels.
    """
    taken = take_back(
        parts.sessions,
        reviewer=body.reviewer,
        since=body.since,
        until=body.until,
        actor=admin.id,
        reason=body.reason,
        dry_run=body.dry_run,
    )
    return RetractionRead.from_taken(body, taken)
