"""Liveness, start-up and readiness, for whoever restarts and balances processes."""

from fastapi import APIRouter

from api.deps import PartsDep, open_to
from api.errors import problems
from api.health.schemas import Alive, Ready
from api.health.service import NotStarted
from api.strict import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


@router.get("/livez", responses=problems(), openapi_extra=open_to("anyone"))
async def live() -> Alive:
    """The process answers; nothing else is asked."""
    return Alive()


@router.get("/startupz", responses=problems(503), openapi_extra=open_to("anyone"))
async def started(parts: PartsDep) -> Alive:
    """The ledger has been read once."""
    if not parts.serving.looked:
        raise NotStarted("The ledger has not been read yet.")
    return Alive()


@router.get("/readyz", responses=problems(503), openapi_extra=open_to("anyone"))
async def ready(parts: PartsDep) -> Ready:
    """Database, disk, taxonomy, champion, its known answer and the decoders are there; the scheduler is reported."""
    found, refusal = await parts.health.require_ready(), parts.serving.refusal
    return Ready(
        checks=found.checks,
        reports=found.reports,
        epoch=parts.serving.release().epoch,
        refused_epoch=refusal.epoch if refusal else None,
        refused_code=refusal.code if refusal else None,
    )
