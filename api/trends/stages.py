"""Each stage of the loop as it stands: what waits there, for how long, and in which state that puts it."""

from dataclasses import dataclass
from datetime import datetime

from core.db.models import Promotion
from core.db.repositories.archive import Backlog
from core.db.repositories.loop_status import Asked, Untrained
from core.db.repositories.outbox import Waiting
from core.db.repositories.trends import Pending
from core.domain import loop_state
from core.domain.loop_state import Stage, State, append_patience, worst


@dataclass(frozen=True, slots=True)
class Standing:
    """One stage.

    Attributes:
        stage: which.
        waiting: products, rows or releases that wait there; of ``sent``: those of today, which wait for nothing.
        oldest_age_s: how long the first of them has waited, 0 for none; of ``serve``: since the last release.
        state: whether that is well.
    """

    stage: Stage
    waiting: int
    oldest_age_s: float
    state: State


def stages_of(
    now: datetime,
    *,
    sent_today: int,
    pending: Pending,
    labels: Waiting,
    untrained: Untrained,
    asked: Asked | None,
    released: Promotion | None,
    served_epoch: int | None,
    refused: str | None,
    leaving: Backlog,
    max_age_s: float,
) -> list[Standing]:
    """The loop in a product's order.

    Args:
        now: the database's clock, naive UTC like every moment here.
        sent_today: products that came in since midnight.
        pending: products that wait for a decision.
        labels: accepted products and retractions that no batch has claimed.
        untrained: rows that no judged model has learnt.
        asked: the challenger that a person is asked about.
        released: the newest row of the ledger.
        served_epoch: what this process serves; None: nothing.
        refused: why this process does not serve the newest release, where it refused it.
        leaving: rejected products on their way into the archive.
        max_age_s: how long a label may wait before a run takes it.
    """
    reviewed = _age_s(now, pending.oldest_at)
    trained = _age_s(now, untrained.since)
    return [
        Standing(Stage.SENT, sent_today, 0.0, State.WELL),
        Standing(Stage.REVIEW, pending.rows, reviewed, loop_state.REVIEW.judge(reviewed)),
        Standing(Stage.APPEND, labels.rows, labels.oldest_age_s, _append_state(labels, max_age_s)),
        Standing(Stage.TRAIN, untrained.rows, trained, loop_state.TRAIN.judge(trained)),
        _decide(now, asked),
        _serve(now, released, served_epoch, refused),
        Standing(Stage.ARCHIVE, leaving.waiting, leaving.oldest_age_s, loop_state.ARCHIVE.judge(leaving.oldest_age_s)),
    ]


def _append_state(labels: Waiting, max_age_s: float) -> State:
    return worst(append_patience(max_age_s).judge(labels.oldest_age_s), loop_state.BATCH.judge(labels.open_s))


def _decide(now: datetime, asked: Asked | None) -> Standing:
    if asked is None:
        return Standing(Stage.DECIDE, 0, 0.0, State.WELL)
    return Standing(Stage.DECIDE, 1, _age_s(now, asked.since), State.ASKS)


def _serve(now: datetime, released: Promotion | None, served_epoch: int | None, refused: str | None) -> Standing:
    if released is None:
        return Standing(Stage.SERVE, 0, 0.0, State.WELL)
    age_s = _age_s(now, released.created_at)
    behind = released.epoch - (served_epoch or 0)
    state = State.STUCK if refused else loop_state.SERVE.judge(age_s) if behind > 0 else State.WELL
    return Standing(Stage.SERVE, max(0, behind), age_s, state)


def _age_s(now: datetime, moment: datetime | None) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0
