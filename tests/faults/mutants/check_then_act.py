"""The flaw: a decision looks whether it may be made, and then makes it. The guard of the UPDATE is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.models import Prediction
from core.db.repositories import predictions
from core.domain.review import Move


@contextmanager
def applied() -> Iterator[None]:
    """Moves check first and act afterwards until the end of the block."""
    guarded = predictions.move

    def move(
        session: Session, prediction_id: str, *, version: int, move: Move, code: int | None = None, erase: bool = False
    ) -> bool:
        question = select(Prediction.version, Prediction.status).where(Prediction.id == prediction_id)
        found = session.execute(question).one_or_none()
        if found is None or found.version != version or found.status not in move.allowed:
            return False
        values: dict[str, Any] = {"version": version + 1}
        if move.target is not None:
            values["status"] = move.target.value
        if code is not None:
            values["current_code"] = code
        statement = update(Prediction).where(Prediction.id == prediction_id).values(values)
        session.execute(statement, execution_options={"synchronize_session": False})
        return True

    predictions.move = move
    try:
        yield
    finally:
        predictions.move = guarded
