"""Liveness, start-up and readiness, for whoever restarts and balances processes."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.deps import PartsDep, open_to
from api.errors import problems
from api.health.schemas import Alive, Ready
from api.health.service import HealthService, NotStarted
from api.strict import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


def get_health(parts: PartsDep) -> HealthService:
    """The checks."""
    return HealthService(parts.readers, parts.settings.store.root, parts.taxonomy, parts.serving)


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
def ready(health: Annotated[HealthService, Depends(get_health)], parts: PartsDep) -> Ready:
    """Database, disk, taxonomy and champion are there."""
    checks, refusal = health.require_ready(), parts.serving.refusal
    return Ready(
        checks=checks,
        epoch=parts.serving.release().epoch,
        refused_epoch=refusal.epoch if refusal else None,
        refused_code=refusal.code if refusal else None,
    )
