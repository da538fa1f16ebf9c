"""What a problem's ``type`` leads to: the kinds of problems, open to anyone who met one."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import open_to
from api.errors import PROBLEMS_PATH, problems
from api.problems.catalogue import all_kinds, find_kind
from api.problems.schemas import Catalogue, KindRead
from api.strict import StrictRoute
from core.errors import NotFound

router = APIRouter(tags=["problems"], route_class=StrictRoute)


class UnknownKind(NotFound):
    """There is no kind of problem with this code."""

    code = "problem.not_found"


@router.get(PROBLEMS_PATH, responses=problems(), openapi_extra=open_to("anyone"))
async def list_kinds() -> Catalogue:
    """Every kind of problem that the service answers with."""
    return Catalogue(items=[KindRead.from_kind(kind) for kind in all_kinds()])


@router.get(PROBLEMS_PATH + "/{code}", responses=problems(404, 422), openapi_extra=open_to("anyone"))
async def read_kind(code: Annotated[str, Path(max_length=64)]) -> KindRead:
    """What one code means."""
    kind = find_kind(code)
    if kind is None:
        raise UnknownKind("There is no kind of problem with this code; GET /problems lists them.")
    return KindRead.from_kind(kind)
