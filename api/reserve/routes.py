"""A product to try, and its photo."""

from fastapi import APIRouter, Response

from api.deps import CallerDep, PartsDep, open_to
from api.errors import problems
from api.reserve.schemas import SuggestedProduct
from api.reserve.service import choose
from api.strict import StrictRoute
from core.reserve import IMAGES
from preprocessing.images import ImageFolder

router = APIRouter(prefix="/reserve", tags=["reserve"], route_class=StrictRoute)


@router.get(
    "/next",
    response_model=SuggestedProduct,
    responses={204: {"description": "None is left"}, **problems(401, 503)},
    openapi_extra=open_to("customer"),
)
def suggest_product(caller: CallerDep, parts: PartsDep) -> SuggestedProduct | Response:
    """A product of the catalogue that nobody has labelled and the caller has not sent, chosen at random.

    Nothing is reserved by asking: send it to `POST /predict` like one's own.
    """
    products = parts.reserve.products()
    with parts.readers() as session:
        spare = choose(session, products, caller)
    return Response(status_code=204) if spare is None else SuggestedProduct.of(spare)


@router.get(
    "/images/{sha256}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(401, 404, 422, 503)},
    openapi_extra=open_to("customer"),
)
def read_reserve_image(sha256: str, caller: CallerDep, parts: PartsDep) -> Response:
    """The photo of a product of the reserve."""
    data = ImageFolder(parts.settings.store.reserve / IMAGES).get(sha256)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})
