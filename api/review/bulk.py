"""Several decisions in one transaction."""

from collections.abc import Sequence

from api.errors import ItemRefused
from api.review.refusals import CodeWithRejection
from api.review.schemas import BulkDecision, BulkItem
from api.review.service import ReviewService
from core import failpoints
from core.db.models import Prediction
from core.errors import EtalonError


def decide_all(reviews: ReviewService, body: BulkDecision) -> Sequence[Prediction]:
    """Make every decision of ``body``, in the order of the ids: two requests never wait for one another in a ring.

    Returns:
        The predictions in the order of the items.

    Raises:
        ItemRefused: one of them cannot be made; roll back.
    """
    decided: dict[int, Prediction] = {}
    for index, item in sorted(enumerate(body.items), key=lambda numbered: numbered[1].id):
        try:
            decided[index] = _decide(reviews, item, body.reason)
        except EtalonError as error:
            raise ItemRefused(index, item.id, error) from error
        failpoints.reach("bulk.item")
    return [decided[index] for index in range(len(body.items))]


def _decide(reviews: ReviewService, item: BulkItem, reason: str | None) -> Prediction:
    if item.accept:
        return reviews.validate(item.id, code=item.prdtypecode, reason=reason, if_version=item.version)
    if item.prdtypecode is not None:
        raise CodeWithRejection
    return reviews.reject(item.id, reason=reason, if_version=item.version)
