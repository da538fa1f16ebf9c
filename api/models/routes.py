"""What is served, and the categories it answers in."""

from fastapi import APIRouter

from api.deps import CallerDep, PartsDep, TaxonomyDep, open_to
from api.errors import problems
from api.models.schemas import CategoryRead, ChampionRead, ClassesRead
from api.models.service import describe
from api.strict import StrictRoute

router = APIRouter(tags=["models"], route_class=StrictRoute)


@router.get("/models/champion", responses=problems(401, 503), openapi_extra=open_to("customer"))
def read_champion(caller: CallerDep, parts: PartsDep) -> ChampionRead:
    """The release that answers now."""
    return describe(parts.serving.release())


@router.get("/classes", responses=problems(401, 503), openapi_extra=open_to("customer"))
def list_classes(caller: CallerDep, taxonomy: TaxonomyDep) -> ClassesRead:
    """The categories that can be predicted and chosen."""
    return ClassesRead(
        taxonomy_version=taxonomy.version,
        classes=[CategoryRead(prdtypecode=c.code, label=c.label, label_fr=c.label_fr, theme=c.theme) for c in taxonomy],
    )
