"""What people decided, and the work and the trace a decision leaves in the same transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from core.db.models import Audit, Outbox, Prediction, UserAccount, Verdict
from core.db.types import utc_now
from core.domain.review import CORRECT, MODIFY, VALIDATE, Move, OutboxKind

Kind = tuple[str, bool]
"""A verdict's action, and whether the code it left was the model's."""
LABELLING = (MODIFY.name, VALIDATE.name, CORRECT.name)
"""Actions by which somebody says that a code is a product's."""


def record(
    session: Session,
    *,
    prediction_id: str,
    version: int,
    move: Move,
    code: int,
    reviewer_id: str,
    reason: str | None,
    detail: dict[str, Any],
    work: Sequence[OutboxKind] | None = None,
    urgent: bool = False,
) -> None:
    """Write the verdict that produced ``version``, its outbox work (if the move leaves any) and its audit row.

    Args:
        session: the transaction that made the move.
        prediction_id: the prediction it was made on.
        version: the version the move produced.
        move: what was done.
        code: the prediction's code after it.
        reviewer_id: who decided.
        reason: why, at most 500 characters, or None.
        detail: further facts for the audit; no user text.
        work: what it leaves for the loop; None: what the move says.
        urgent: whether that work does not wait for a full batch.
    """
    session.add(
        Verdict(
            prediction_id=prediction_id,
            prediction_version=version,
            action=move.name,
            prdtypecode=code,
            reviewer_id=reviewer_id,
            reason=reason,
        )
    )
    session.add_all(
        Outbox(prediction_id=prediction_id, version=version, kind=kind.value, urgent=urgent)
        for kind in (move.work if work is None else work)
    )
    session.add(
        Audit(
            actor=reviewer_id,
            action=move.name,
            subject=f"prediction/{prediction_id}",
            version=version,
            detail={"prdtypecode": code, **detail},
        )
    )
    session.flush()


def of_prediction(session: Session, prediction_id: str) -> Sequence[Row[tuple[Verdict, str]]]:
    """Every verdict on a prediction with the name of who decided, oldest first."""
    return session.execute(select_of_prediction(prediction_id)).all()


def has_said(session: Session, prediction_id: str, reviewer_id: str, code: int) -> bool:
    """Whether a person has given a prediction this code before, whatever became of it."""
    return session.scalar(select_saying(prediction_id, reviewer_id, code)) is not None


def select_saying(prediction_id: str, reviewer_id: str, code: int) -> Select[tuple[int]]:
    """The statement behind ``has_said``."""
    return (
        select(Verdict.id)
        .where(
            Verdict.prediction_id == prediction_id,
            Verdict.reviewer_id == reviewer_id,
            Verdict.prdtypecode == code,
            Verdict.action.in_(LABELLING),
        )
        .limit(1)
    )


def select_of_prediction(prediction_id: str) -> Select[tuple[Verdict, str]]:
    """The statement behind ``of_prediction``."""
    return (
        select(Verdict, UserAccount.username)
        .join(UserAccount, UserAccount.id == Verdict.reviewer_id)
        .where(Verdict.prediction_id == prediction_id)
        .order_by(Verdict.prediction_version)
    )


def newest_id(session: Session, *, after: int, older_than: timedelta) -> int | None:
    """The newest verdict after the id ``after`` that was given so long ago; None where there is none."""
    now = session.scalars(select(utc_now())).one()
    return session.scalar(select_newest_id(after, now - older_than))


def select_newest_id(after: int, before: datetime) -> Select[tuple[int | None]]:
    """The statement behind ``newest_id``."""
    return select(func.max(Verdict.id)).where(Verdict.id > after, Verdict.decided_at < before)


def tally(session: Session, *, after: int, through: int | None = None) -> Counter[Kind]:
    """How many verdicts of which kind have ids above ``after`` and, where it is given, up to ``through``."""
    rows = session.execute(select_tally(after, through))
    return Counter({(action, bool(agrees)): count for action, agrees, count in rows})


def select_tally(after: int, through: int | None) -> Select[tuple[str, bool, int]]:
    """The statement behind ``tally``."""
    agrees = (Verdict.prdtypecode == Prediction.suggested_code).label("agrees")
    statement = (
        select(Verdict.action, agrees, func.count())
        .join(Prediction, Prediction.id == Verdict.prediction_id)
        .where(Verdict.id > after)
        .group_by(Verdict.action, agrees)
    )
    return statement if through is None else statement.where(Verdict.id <= through)
