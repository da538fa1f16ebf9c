"""What an admin decides about a shop's products, through the service's own code."""

from sqlalchemy.orm import Session

from api.accounts.service import Account
from api.predictions import service as products
from api.review.service import ReviewService
from core.db.models import Outbox, Prediction
from core.domain.roles import Role
from preprocessing.ingest.append import active_taxonomy
from tests.integration.ingest.shop import REVIEWER, Shop

ADMIN = Account(REVIEWER, "reviewer", Role.ADMIN)


def _reviews(shop: Shop, session: Session) -> ReviewService:
    return ReviewService(session, active_taxonomy(shop.store), ADMIN, very_confident=0.9)


def correct(shop: Shop, prediction_id: str, code: int) -> None:
    with shop.sessions.begin() as session:
        _reviews(shop, session).correct(prediction_id, code=code, reason=None, if_version=None)


def retract(shop: Shop, prediction_id: str) -> None:
    with shop.sessions.begin() as session:
        _reviews(shop, session).retract(prediction_id, reason=None, if_version=None)


def undo(shop: Shop, prediction_id: str) -> None:
    with shop.sessions.begin() as session:
        _reviews(shop, session).undo(prediction_id, reason=None, if_version=None)


def reject(shop: Shop, prediction_id: str, reason: str) -> None:
    with shop.sessions.begin() as session:
        _reviews(shop, session).reject(prediction_id, reason=reason, if_version=None)


def validate_again(shop: Shop, prediction_id: str, code: int) -> None:
    """Put a retracted product back into the queue and accept it with ``code``."""
    undo(shop, prediction_id)
    with shop.sessions.begin() as session:
        _reviews(shop, session).validate(prediction_id, code=code, reason=None, if_version=None)


def erase(shop: Shop, prediction_id: str) -> None:
    with shop.sessions.begin() as session:
        products.erase(session, prediction_id, ADMIN, if_version=None)


def prediction(shop: Shop, prediction_id: str) -> Prediction:
    with shop.sessions() as session:
        return session.get_one(Prediction, prediction_id)


def undone_work(shop: Shop) -> int:
    """Appends and retractions that are not in the store yet."""
    with shop.sessions() as session:
        return session.query(Outbox).filter(Outbox.done_at.is_(None)).count()
