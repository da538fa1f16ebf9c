"""Which rows of the training store still stand, as the database knows it: it hears of a retraction before the store."""

from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import Prediction
from core.domain.review import Status

_LABELLED = (Status.VALIDATED, Status.INGESTED)


def codes_of(session: Session, prediction_ids: Collection[str]) -> dict[str, int]:
    """The accepted code of each of some products; those retracted, erased, reopened or unknown are missing."""
    if not prediction_ids:
        return {}
    return {row.id: row.current_code for row in session.execute(select_labelled(sorted(prediction_ids)))}


def select_labelled(prediction_ids: Collection[str]) -> Select[tuple[str, int]]:
    """Id and code of those whose label stands; at most some hundred ids."""
    return select(Prediction.id, Prediction.current_code).where(
        Prediction.id.in_(prediction_ids),
        Prediction.status.in_([status.value for status in _LABELLED]),
        Prediction.erase_requested_at.is_(None),
    )
