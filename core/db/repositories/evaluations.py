"""What judgements measured, as rows of the audit beside what they decided: long, and read one at a time."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import Audit
from core.db.repositories import audit
from core.db.repositories.judgements import ACTOR, subject_of_package
from core.domain.evaluation import Evaluation

_ACTION = "evaluate"


def record(session: Session, *, package: str, evaluation: Evaluation) -> None:
    """Remember what was measured of ``package`` (64 hexadecimal digits), in the transaction of its judgement."""
    subject = subject_of_package(package)
    audit.record(session, actor=ACTOR, action=_ACTION, subject=subject, detail=evaluation.to_json())


def newest_of(session: Session, package: str) -> Evaluation | None:
    """What its newest judgement measured; None for one that was judged before any of it was kept, or never."""
    found = session.scalar(select_newest(subject_of_package(package)))
    return Evaluation.from_json(found) if found is not None else None


def select_newest(subject: str) -> Select[tuple[dict[str, Any] | None]]:
    """The statement behind ``newest_of``."""
    measured = select(Audit.detail).where(Audit.subject == subject, Audit.action == _ACTION)
    return measured.order_by(Audit.id.desc()).limit(1)
