"""Which states of the training store were judged: it tells a batch that was trained on from one whose training failed.

A judgement is a row of the audit, so it is kept for good and sealed with the rest.
"""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import Audit, SegmentClaim
from core.db.repositories import audit

_ACTOR, _ACTION = "training", "judge"


def record(session: Session, *, manifest: int, package: str, decision: str) -> None:
    """Remember that a challenger trained on ``manifest`` was judged, whatever the gate said."""
    detail = {"package": package, "decision": decision}
    audit.record(session, actor=_ACTOR, action=_ACTION, subject=_subject(manifest), detail=detail)


def newest_is_missing(session: Session) -> bool:
    """Whether the newest batch of the training store was never judged. False before the first batch.

    A base import alone is not a batch: its first model is trained by whoever imported it.
    """
    manifest = session.scalar(select_newest_batch())
    return manifest is not None and session.scalar(select_judged(_subject(manifest))) is None


def select_newest_batch() -> Select[tuple[int | None]]:
    """The manifest that first held the newest batch."""
    newest = select(SegmentClaim.manifest).where(SegmentClaim.ingested_at.is_not(None))
    return newest.order_by(SegmentClaim.segment.desc()).limit(1)


def select_judged(subject: str) -> Select[tuple[int]]:
    """A judgement of one manifest."""
    return select(Audit.id).where(Audit.subject == subject, Audit.action == _ACTION).limit(1)


def _subject(manifest: int) -> str:
    return f"manifest/{manifest}"
