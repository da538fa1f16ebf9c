"""The verbs that move the release: ``promote`` by a recorded decision, ``rollback`` by a person's."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.orm import Session

from core import failpoints
from core.db.models import Promotion
from core.db.repositories import promotions
from core.db.repositories.promotions import EpochMoved
from core.db.session import transact
from core.domain.gate import Outcome
from core.errors import Conflict, Invalid, Unavailable
from core.registry.packages import CorruptPackage, DroppedPackage, MissingPackage, claim
from training.jobs.catching_up import ask_where_behind
from training.jobs.workplace import MODEL, Workplace

if TYPE_CHECKING:
    from training.tracking import Tracking

log = logging.getLogger(__name__)

ACTOR = "training.jobs"
_KINDS = {Outcome.FIRST: "first", Outcome.PROMOTE: "gate"}
"""What the ledger calls a promotion that the gate let through; in the grey zone a person's is ``approved``."""
_LONGEST_NAME = 128


class BadApproval(Invalid):
    """An approval does not say who approves and why."""

    code = "release.bad_approval"


class Refused(Conflict):
    """A person may approve in the grey zone only: not what is surely worse, broken or too slow, nor a companion."""

    code = "release.refused"


class NotJudged(Conflict):
    """There is no decision about this package in this run."""

    code = "release.not_judged"


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's decision in the grey zone: ``who``, at most 128 characters, and ``why``."""

    who: str
    why: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``who: why``.

        Raises:
            BadApproval: one of the two is missing, or the name is too long.
        """
        who, _, why = (part.strip() for part in text.partition(":"))
        if not who or not why or len(who) > _LONGEST_NAME:
            raise BadApproval(f"an approval reads 'who: why'. Received: {text[:80]!r}")
        return cls(who, why)


def promote(
    workplace: Workplace, *, package: str, run_key: str, approval: Approval | None = None, unless_moved: bool = False
) -> dict[str, Any]:
    """Serve ``package`` if the run's gate said so, or left it to a person who now approves.

    The ledger moves first, the aliases follow as far as they can.

    Returns:
        ``epoch`` (None: the gate did not let it through, or, with ``unless_moved``, the champion changed since it was
        judged, and ``why``), ``decision``, ``package``, ``mirrored``.

    Raises:
        NotJudged: ``judge`` has not decided about this package in this run.
        Refused: it was approved, but the gate had not said grey.
        DroppedPackage: it waited for so long that retention took it; train again.
        EpochMoved: the champion changed since; judge again. Not with ``unless_moved``.
    """
    judged = judged_in(workplace, package, run_key)
    decision = judged["decision"]
    if approval and decision not in (*_KINDS, Outcome.GREY):
        raise Refused(f"the gate said {decision} of package {package[:12]}: a person decides in the grey zone only")
    if decision not in _KINDS and not approval:
        return {"epoch": None, "decision": decision, "package": package, "mirrored": True}
    _claim(workplace, package)
    try:
        row = transact(
            workplace.sessions,
            lambda session: moved_by(session, judged) or _move(workplace, session, judged, run_key, approval),
        )
    except EpochMoved as moved:
        if not unless_moved:
            raise
        return {"epoch": None, "decision": decision, "package": package, "mirrored": True, "why": str(moved)}
    failpoints.reach("promotion.committed")
    log.info("release.promoted", extra={"epoch": row.epoch, "package": package, "kind": row.kind})
    result = {"epoch": row.epoch, "decision": decision, "package": package, "mirrored": mirror(workplace)}
    return workplace.runs.result(run_key, "promote").write(result)


def judged_in(workplace: Workplace, package: str, run_key: str) -> dict[str, Any]:
    """What ``judge`` kept of the gated model's ``package`` in this run.

    Raises:
        NotJudged: it has not decided about this package in this run, or the package is a companion.
    """
    judged = workplace.runs.result(run_key, "judge").read()
    if judged is None or judged["package"] != package:
        raise NotJudged(f"run {run_key} has no decision about package {package[:12]}: judge it first")
    if judged.get("model", MODEL) != MODEL:
        raise NotJudged(
            f"package {package[:12]} is a companion, {judged['model']}: the gate decides about {MODEL} only"
        )
    return judged


def moved_by(session: Session, judged: dict[str, Any]) -> Promotion | None:
    """The ledger's row that this judgement has led to already."""
    row = promotions.at_epoch(session, judged["epoch"] + 1)
    same = row is not None and row.models.get(MODEL) == judged["package"] and row.run_id == judged["run_id"]
    return row if same else None


def _move(
    workplace: Workplace, session: Session, judged: dict[str, Any], run_key: str, approval: Approval | None
) -> Promotion:
    now = promotions.current(session)
    by_gate = approval is None or judged["decision"] in _KINDS
    row = promotions.promote(
        session,
        expected_epoch=judged["epoch"],
        models={**(now.models if now else {}), MODEL: judged["package"]},
        actor=ACTOR if by_gate else approval.who,
        reason=f"gate: {judged['decision']}, run {run_key}" if by_gate else approval.why,
        kind=_KINDS.get(judged["decision"], "approved"),
        gate_report={**judged["gate"], "weighted_f1": judged.get("weighted_f1")},  # the service shows it
        run_id=judged["run_id"],
        manifest=judged["manifest"],
        taxonomy_version=judged["taxonomy_version"],
    )
    ask_where_behind(session, workplace.store.training, judged["manifest"], row.epoch)
    failpoints.reach("promotion.inserted")
    return row


def _claim(workplace: Workplace, package: str) -> None:
    """Keep the package until the ledger names it; one that was dropped is not promoted."""
    try:
        claim(workplace.store.packages, package)
    except DroppedPackage:
        raise
    except (MissingPackage, CorruptPackage) as error:  # the service goes on with what it has, and says so
        log.warning("release.not_claimed", extra={"package": package, "code": error.code})


def roll_back(
    workplace: Workplace, *, reason: str, actor: str, expected_epoch: int | None, run_key: str | None = None
) -> dict[str, Any]:
    """Serve what was served before; ``expected_epoch`` or ``run_key`` makes a repeated command harmless.

    With a ``run_key`` the epoch to leave is written down first: a second try leaves that one or finds it left.

    Returns:
        ``epoch``, ``models`` now served, ``mirrored``.

    Raises:
        EpochMoved: the epoch is not ``expected_epoch``.
        NothingToRollBack: no release came before.
    """
    leave = _epoch_to_leave(workplace, expected_epoch, run_key)

    def move_back(session: Session) -> Promotion:
        left = promotions.at_epoch(session, leave + 1) if run_key is not None else None
        if left is not None and (left.kind, left.actor, left.reason) == ("rollback", actor, reason[:500]):
            return left
        row = promotions.roll_back(session, expected_epoch=leave, actor=actor, reason=reason)
        failpoints.reach("promotion.inserted")
        return row

    row = transact(workplace.sessions, move_back)
    failpoints.reach("promotion.committed")
    log.info("release.rolled_back", extra={"epoch": row.epoch, "models": row.models})
    return {"epoch": row.epoch, "models": row.models, "mirrored": mirror(workplace)}


def _epoch_to_leave(workplace: Workplace, expected_epoch: int | None, run_key: str | None) -> int:
    kept = workplace.runs.result(run_key, "rollback") if run_key is not None else None
    decided = kept.read() if kept else None
    if decided is not None:
        return int(decided["leave"])
    now = _newest(workplace)
    leave = expected_epoch if expected_epoch is not None else now.epoch if now else promotions.NO_EPOCH
    if kept is not None:
        kept.write({"leave": leave})
    return leave


def mirror(workplace: Workplace) -> bool:
    """Point the tracking server's aliases at what the ledger says; returns whether the server took it.

    A server that does not answer is only warned about: the ledger has moved, and ``follow_ledger`` comes by.
    """
    try:
        follow_ledger(workplace)
    except Unavailable as error:
        log.warning("tracking.not_mirrored", extra={"code": error.code, "reason": str(error)})
        return False
    return True


def follow_ledger(workplace: Workplace) -> dict[str, Any]:
    """Point the tracking server's aliases at what the ledger says, whoever moved it. Doing it twice is harmless.

    Returns:
        ``epoch`` (None: nothing was released yet) and ``models`` that are served.

    Raises:
        TrackingUnavailable: the server does not answer; trying again is safe.
    """
    from training.tracking import Tracking  # 1.6 s that the other verbs need not wait for

    tracking = Tracking.connect(workplace.train)
    point_aliases(workplace, tracking, challenger=tracking.challenger_of(MODEL))
    row = _newest(workplace)
    return {"epoch": row.epoch if row else None, "models": row.models if row else {}}


def point_aliases(workplace: Workplace, tracking: "Tracking", *, challenger: str | None) -> None:
    """Point each served model's aliases at the ledger's newest epoch, ``challenger`` at a package that is not served.

    Looks again afterwards, so that of two at once the one with the older epoch does not have the last word.

    Raises:
        TrackingUnavailable: the server stopped answering; pointing again is safe.
    """
    pointed_at = None
    while (row := _newest(workplace)) is not None and row.epoch != pointed_at:
        for model in sorted({MODEL, *row.models, *row.previous}):
            champion, previous = row.models.get(model), row.previous.get(model)
            waiting = challenger if model == MODEL and challenger != champion else None
            tracking.mirror(model, champion=champion, previous=previous, challenger=waiting)
        pointed_at = row.epoch
    if pointed_at is None:
        tracking.mirror(MODEL, champion=None, previous=None, challenger=challenger)


def _newest(workplace: Workplace) -> Promotion | None:
    with workplace.sessions() as session:
        return promotions.current(session)
