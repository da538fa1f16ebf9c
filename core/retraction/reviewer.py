"""Taking back everything that a person accepted in a time span."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import audit, labels, users
from core.db.repositories.labels import Span
from core.db.session import transact
from core.errors import Invalid, NotFound
from core.retraction.labels import Taken, retract
from core.retraction.models import TaintedModel, trained_on

CHUNK = 200
"""Labels a transaction: its locks are held for a moment only, and a crash loses no more than this."""
NO_SPLIT = "none yet"
"""What ``by_split`` calls labels that no batch has claimed: their split is not decided."""


class UnknownPerson(NotFound):
    """No account has this name."""

    code = "account.not_found"


class BadSpan(Invalid):
    """A time span that ends before it begins."""

    code = "retraction.bad_span"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a take-back did, or would do.

    Attributes:
        reviewer: the person's name.
        withdrawn: labels that never reached the training store, and now never will.
        retracted: labels whose rows the next batches tombstone.
        by_split: both, by the part of the data that they belong to.
        models: the released models that learnt from labels of the span, oldest first; also those that an
            earlier call took back already.
        dry_run: whether nothing was changed.
    """

    reviewer: str
    withdrawn: int
    retracted: int
    by_split: Mapping[str, int]
    models: tuple[TaintedModel, ...]
    dry_run: bool


def take_back(
    sessions: sessionmaker[Session],
    *,
    reviewer: str,
    since: datetime,
    until: datetime,
    actor: str,
    reason: str | None,
    dry_run: bool = False,
) -> TakenBack:
    """Take back every label that ``reviewer`` gave in the span and that still stands.

    It goes in chunks of one transaction each. Called again, after a crash or not, it does what is left.

    Args:
        sessions: sessions that may change the database.
        reviewer: the name of the account whose labels go.
        since: the first moment of the span; without a zone it is UTC.
        until: the moment after its last one.
        actor: the account's id that takes them back.
        reason: why, at most 500 characters, or None.
        dry_run: only count.

    Raises:
        UnknownPerson: no account is called ``reviewer``.
        BadSpan: ``until`` is not after ``since``.
    """
    with sessions() as session:
        span = _span(session, reviewer, since, until)
        models = trained_on(session, labels.stays(session, span))
        counted = _count(session, span) if dry_run else None
    if counted is not None:
        return _report(reviewer, *counted, models, dry_run=True)
    # A verdict that is being given at this moment has its time, and would be overlooked until it is committed.
    transact(sessions, lambda session: users.wait_for_decisions_of(session, span.reviewer_id))
    how: Counter[Taken] = Counter()
    splits: Counter[str] = Counter()
    while chunk := transact(sessions, lambda session: _take_chunk(session, span, actor, reason)):
        how.update(taken for taken, _ in chunk if taken is not None)
        splits.update(split for taken, split in chunk if taken is not None)
        failpoints.reach("retraction.chunk")
    taken = _report(reviewer, how, splits, models, dry_run=False)
    transact(sessions, lambda session: _trace(session, span, taken, actor))
    return taken


def _span(session: Session, reviewer: str, since: datetime, until: datetime) -> Span:
    account = users.by_username(session, reviewer)
    if account is None:
        raise UnknownPerson(f"There is no account {reviewer!r}.")
    span = Span(account.id, _as_stored(since), _as_stored(until))
    if span.until <= span.since:
        raise BadSpan("The span ends before it begins.")
    return span


def _as_stored(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _count(session: Session, span: Span) -> tuple[Counter[Taken], Counter[str]]:
    how: Counter[Taken] = Counter()
    splits: Counter[str] = Counter()
    for count in labels.count_standing(session, span):
        how[Taken.WITHDRAWN if count.waiting else Taken.RETRACTED] += count.rows
        splits[count.split or NO_SPLIT] += count.rows
    return how, splits


def _take_chunk(session: Session, span: Span, actor: str, reason: str | None) -> list[tuple[Taken | None, str]]:
    """Retract some; None is one that somebody else changed at this moment: it is looked for again."""
    return [
        (retract(session, row, actor_id=actor, reason=reason, urgent=True), row.split or NO_SPLIT)
        for row in labels.standing(session, span, CHUNK)
    ]


def _report(
    reviewer: str, how: Counter[Taken], splits: Counter[str], models: tuple[TaintedModel, ...], *, dry_run: bool
) -> TakenBack:
    return TakenBack(
        reviewer, how[Taken.WITHDRAWN], how[Taken.RETRACTED], dict(sorted(splits.items())), models, dry_run
    )


def _trace(session: Session, span: Span, taken: TakenBack, actor: str) -> None:
    detail = {
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
        "withdrawn": taken.withdrawn,
        "retracted": taken.retracted,
    }
    audit.record(session, actor=actor, action="take_back", subject=f"account/{span.reviewer_id}", detail=detail)
