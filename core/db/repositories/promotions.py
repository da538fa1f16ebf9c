"""The promotion ledger: which package serves each model name, since which epoch, by whom and why.

Append-only. Epoch n + 1 may only be written by somebody who knew epoch n: the primary key lets exactly one
of two writers in. A rollback is a new epoch, so the ledger also says what was served in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import Promotion, UserAccount
from core.db.repositories import audit
from core.errors import Conflict

NO_EPOCH = 0
"""The epoch before the first promotion."""


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the ledger and the name of whoever wrote it: an account's, a job's or an operator's."""

    row: Promotion
    promoted_by: str


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """What one epoch serves (model name to package sha), and since when (naive UTC)."""

    epoch: int
    models: Mapping[str, str]
    at: datetime


class EpochMoved(Conflict):
    """Somebody else promoted or rolled back since the caller looked."""

    code = "release.epoch_moved"

    def __init__(self, expected: int, found: int | None) -> None:
        super().__init__(f"expected epoch {expected}, found {'another writer' if found is None else found}")
        self.expected = expected
        self.found = found


class NothingToRollBack(Conflict):
    """There is no earlier release to go back to."""

    code = "release.nothing_to_roll_back"


def current(session: Session) -> Promotion | None:
    """The newest epoch, which is what is served; None before the first promotion."""
    return session.scalars(select(Promotion).order_by(Promotion.epoch.desc()).limit(1)).one_or_none()


def at_epoch(session: Session, epoch: int) -> Promotion | None:
    """The ledger's row of one epoch."""
    return session.get(Promotion, epoch)


def moved_from(session: Session, epoch: int) -> Promotion:
    """The move from ``epoch`` to the next, which has been made."""
    return session.get_one(Promotion, epoch + 1)


def history(session: Session, *, limit: int = 50) -> Sequence[Promotion]:
    """The newest ``limit`` epochs, newest first."""
    return session.scalars(select(Promotion).order_by(Promotion.epoch.desc()).limit(limit)).all()


def page(session: Session, *, before: int, limit: int) -> list[Move]:
    """The newest ``limit`` epochs below ``before``, newest first, with the names of those who moved them."""
    return [Move(row, name or row.actor) for row, name in session.execute(select_page(before).limit(limit))]


def select_page(before: int) -> Select[tuple[Promotion, str | None]]:
    """The statement behind ``page``, without its limit: accounts move the epoch by their id, jobs by their name."""
    mover = UserAccount.id == Promotion.actor
    moves = select(Promotion, UserAccount.username).join(UserAccount, mover, isouter=True)
    return moves.where(Promotion.epoch < before).order_by(Promotion.epoch.desc())


def steps(session: Session) -> list[LedgerStep]:
    """The whole ledger without its reports, oldest first."""
    return [LedgerStep(*found) for found in session.execute(select_steps())]


def select_steps() -> Select[tuple[int, dict[str, Any], datetime]]:
    """The statement behind ``steps``."""
    return select(Promotion.epoch, Promotion.models, Promotion.created_at).order_by(Promotion.epoch)


def oldest_first(session: Session) -> Sequence[Promotion]:
    """The whole ledger."""
    return session.scalars(select(Promotion).order_by(Promotion.epoch)).all()


def promote(
    session: Session,
    *,
    expected_epoch: int,
    models: Mapping[str, str],
    actor: str,
    reason: str,
    kind: str,
    gate_report: Mapping[str, Any] | None,
    run_id: str | None,
    manifest: int | None,
    taxonomy_version: str,
) -> Promotion:
    """Move from ``expected_epoch`` to the next, serving ``models`` (model name to package sha).

    Args:
        session: an open transaction; the caller ends it.
        expected_epoch: the epoch the caller decided upon; ``NO_EPOCH`` for the first promotion.
        models: the new mapping, whole: names left out are no longer served.
        actor: who moves the epoch: an account's id, or the name of a job or operator of at most 128 characters.
        reason: why, in words; cut to 500 characters.
        kind: ``first``, ``gate``, ``approved``, ``manual``, ``companion`` or ``rollback``.
        gate_report: the gate's outcome, reasons and evidence as plain JSON; None where no gate was asked.
        run_id: the tracking server's run of the promoted model.
        manifest: number of the snapshot it learnt from.
        taxonomy_version: the taxonomy it answers in.

    Raises:
        EpochMoved: the newest epoch is not ``expected_epoch``, or another writer won the race.
        ValueError: no model is named.
    """
    if not models:
        raise ValueError("expected at least one model name. Received: {}")
    now = current(session)
    epoch = now.epoch if now else NO_EPOCH
    if epoch != expected_epoch:
        raise EpochMoved(expected_epoch, epoch)
    row = {
        "epoch": expected_epoch + 1,
        "kind": kind,
        "models": dict(models),
        "previous": dict(now.models) if now else {},
        "actor": actor,
        "reason": reason[:500],
        "gate_report": dict(gate_report) if gate_report is not None else None,
        "run_id": run_id,
        "manifest": manifest,
        "taxonomy_version": taxonomy_version,
    }
    return _insert(session, row)


def roll_back(session: Session, *, expected_epoch: int, actor: str, reason: str) -> Promotion:
    """Write a new epoch that serves what was served before ``expected_epoch``; doing it twice undoes it.

    Run, snapshot and gate report are those of the release it goes back to: they describe what is served.

    Raises:
        EpochMoved: the newest epoch is not ``expected_epoch``, or another writer won the race.
        NothingToRollBack: there is no epoch, or it is the first one.
    """
    now = current(session)
    if now is None or not now.previous:
        raise NothingToRollBack("no release came before this one")
    came_from = _newest_serving(session, now.previous, before=now.epoch)
    return promote(
        session,
        expected_epoch=expected_epoch,
        models=now.previous,
        actor=actor,
        reason=reason,
        kind="rollback",
        gate_report=came_from.gate_report if came_from else None,
        run_id=came_from.run_id if came_from else None,
        manifest=came_from.manifest if came_from else None,
        taxonomy_version=came_from.taxonomy_version if came_from else now.taxonomy_version,
    )


def _newest_serving(session: Session, models: Mapping[str, str], *, before: int) -> Promotion | None:
    earlier = session.scalars(select(Promotion).where(Promotion.epoch < before).order_by(Promotion.epoch.desc()))
    return next((row for row in earlier if row.models == dict(models)), None)


def _insert(session: Session, values: dict[str, Any]) -> Promotion:
    try:
        # A statement of its own and no savepoint: after a lost race the transaction goes on, on every database, and
        # a deadlock, which takes savepoints away, stays the error that is worth another try.
        session.execute(insert(Promotion).values(**values))
    except IntegrityError as error:
        raise EpochMoved(values["epoch"] - 1, None) from error
    row = session.get_one(Promotion, values["epoch"])
    _audit(session, row)
    session.flush()
    return row


def _audit(session: Session, row: Promotion) -> None:
    action = "rollback" if row.kind == "rollback" else "promote"
    subject, detail = f"release/{row.epoch}", {"models": row.models, "kind": row.kind}
    audit.record(session, actor=row.actor[:64], action=action, subject=subject, version=row.epoch, detail=detail)
