"""Hands the accepted labels that look wrong to the people who can look again."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import audit, second_opinions
from core.db.repositories.second_opinions import Doubt
from core.db.session import transact
from training.jobs.findings import suspects_of

log = logging.getLogger(__name__)

_AT_ONCE = 100  # products a transaction: reviewers wait for none of them longer than that
_ACTOR = "judge"


def ask_again(sessions: sessionmaker[Session], training: Mapping[str, Any]) -> int:
    """Mark the reviewed products among a training's suspects for a second opinion; returns how many are new.

    Safe to repeat. Imported products have no row to mark: they stand in the report and in ``suspects.csv``.
    """
    doubts = [
        Doubt(one.prediction_id, one.given, one.suggested, one.quality)
        for one in suspects_of(training)
        if one.prediction_id
    ]
    subject = f"package/{training['package'][:12]}"

    def mark(session: Session, some: list[Doubt]) -> int:
        marked = second_opinions.ask(session, some)
        if marked:
            audit.record(session, actor=_ACTOR, action="doubt", subject=subject, detail={"marked": marked})
        return marked

    portions = [doubts[start : start + _AT_ONCE] for start in range(0, len(doubts), _AT_ONCE)]
    marked = sum(transact(sessions, lambda session, some=some: mark(session, some)) for some in portions)
    log.info("judge.labels_doubted", extra={"suspects": len(suspects_of(training)), "marked": marked})
    return marked
