"""Several decisions in one transaction."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from api.errors import ItemRefused
from api.review.refusals import CodeWithRejection
from api.review.schemas import BulkDecision, BulkItem, BulkUndo, ItemToUndo
from api.review.service import ReviewService
from core import failpoints
from core.db.models import Prediction
from core.errors import EtalonError

_Item = TypeVar("_Item", bound=ItemToUndo)


def decide_all(reviews: ReviewService, body: BulkDecision) -> Sequence[Prediction]:
    """Make every decision of ``body``; the predictions in the order of the items.

    Raises:
        ItemRefused: one of them cannot be made; roll back.
    """
    return _each(body.items, lambda item: _decide(reviews, item, body.reason))


def undo_all(reviews: ReviewService, body: BulkUndo) -> Sequence[Prediction]:
    """Undo every verdict of ``body``; the predictions in the order of the items.

    Raises:
        ItemRefused: one of them cannot be undone; roll back.
    """
    return _each(body.items, lambda item: reviews.undo(item.id, reason=body.reason, if_version=item.version))


def _each(items: Sequence[_Item], decide: Callable[[_Item], Prediction]) -> Sequence[Prediction]:
    """Decide in the order of the ids: two requests never wait for one another in a ring."""
    decided: dict[int, Prediction] = {}
    for index, item in sorted(enumerate(items), key=lambda numbered: numbered[1].id):
        try:
            decided[index] = decide(item)
        except EtalonError as error:
            raise ItemRefused(index, item.id, error) from error
        failpoints.reach("bulk.item")
    return [decided[index] for index in range(len(items))]


def _decide(reviews: ReviewService, item: BulkItem, reason: str | None) -> Prediction:
    if item.accept:
        return reviews.validate(item.id, code=item.prdtypecode, reason=reason, if_version=item.version)
    if item.prdtypecode is not None:
        raise CodeWithRejection
    return reviews.reject(item.id, reason=reason, if_version=item.version)
