"""The verbs ``evidence`` and ``outcome``: what a person is asked about a judged package, and what came of it.

runs/decisions/<package>.json   who asks, since when beside which epoch; then the answer. A package is asked about once
                                at a time. ``promote --approve`` moves the release: the ledger is the truth, not this.
"""

import logging
from contextlib import suppress
from enum import StrEnum
from typing import Any

from core.db.models import Promotion
from core.db.repositories import judgements, promotions
from core.db.repositories.promotions import NO_EPOCH
from core.domain.gate import Outcome
from core.errors import Conflict, Invalid
from core.registry.packages import CorruptPackage, MissingPackage, claim
from training.jobs.release import judged_in, moved_by
from training.jobs.workplace import Workplace
from training.report import evidence

log = logging.getLogger(__name__)

APPROVE, REJECT = "Approve", "Reject"
_MAY_BE_SERVED = (Outcome.GREY, Outcome.PROMOTE, Outcome.FIRST)


class NotAsked(Conflict):
    """An answer came to a question that this asker never put."""

    code = "decision.not_asked"


class BadAnswer(Invalid):
    """An answer is neither Approve nor Reject."""

    code = "decision.bad_answer"


class Ending(StrEnum):
    """How a decision ended."""

    SERVED = "served"
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody answered in time: the champion stays
    MOVED = "moved"  # it was approved, but another champion is served than the one it was compared with


def show_evidence(workplace: Workplace, *, package: str, run_key: str, asked_by: str | None) -> dict[str, Any]:
    """What a person needs to decide about a package that was judged in the run ``run_key``.

    ``asked_by`` puts the question: until its ``outcome`` is known, nobody else asks about this package.

    Returns:
        ``decision`` of the gate, ``epoch`` (None: there is nothing to decide, and ``why``), ``subject``, ``body``
        (Markdown) and ``run_url`` (None where no tracking server shows the judgement).

    Raises:
        NotJudged: ``judge`` has not decided about this package in this run.
    """
    judged = judged_in(workplace, package, run_key)
    if why := _nothing_to_decide(workplace, judged, asked_by):
        log.info("evidence.not_wanted", extra={"package": package, "reason": why})
        return {"epoch": None, "decision": judged["decision"], "package": package, "why": why}
    if asked_by is not None:
        _put(workplace, judged, run_key, asked_by)
    server, run_id = workplace.train.tracking_uri.rstrip("/"), judged["run_id"]
    run_url = f"{server}/#/runs/{run_id}" if run_id and server.startswith("http") else None
    return {
        "epoch": judged["epoch"],
        "decision": judged["decision"],
        "package": package,
        "subject": evidence.subject(judged),
        "body": evidence.body(judged, workplace.taxonomy, run_url=run_url),
        "run_url": run_url,
    }


def _nothing_to_decide(workplace: Workplace, judged: dict[str, Any], asked_by: str | None) -> str | None:
    if judged["decision"] not in _MAY_BE_SERVED:
        return f"the gate said {judged['decision']}: a person decides in the grey zone only"
    with workplace.sessions() as session:
        row, now = moved_by(session, judged), _epoch(promotions.current(session))
    if row is not None:
        return f"it was promoted: epoch {row.epoch}"
    if now != judged["epoch"]:
        return f"epoch {now} is served, and it was compared with epoch {judged['epoch']}: judge it again"
    asked = workplace.runs.decision(judged["package"]).read()
    if asked_by is not None and asked and asked["asked_by"] != asked_by and "ending" not in asked:
        return f"{asked['asked_by']} asks about it already"
    return None


def _put(workplace: Workplace, judged: dict[str, Any], run_key: str, asked_by: str) -> None:
    with suppress(MissingPackage, CorruptPackage):  # promoting it will say so
        claim(workplace.store.packages, judged["package"])  # retention leaves it alone while the question is open
    kept = workplace.runs.decision(judged["package"])
    asked = kept.read()
    if asked is None or asked["asked_by"] != asked_by or "ending" in asked:  # one that was cleared asks again
        kept.write({"asked_by": asked_by, "run_key": run_key, "epoch": judged["epoch"], "run_id": judged["run_id"]})


def record_outcome(
    workplace: Workplace, *, package: str, run_key: str, asked_by: str, answer: str, who: str, why: str
) -> dict[str, Any]:
    """Write down how a decision ended; what was not served stands in the audit, too. Doing it twice is harmless.

    Args:
        workplace: of this process.
        package: sha of what was decided about.
        run_key: the run that judged it.
        asked_by: who put the question.
        answer: ``Approve`` or ``Reject``.
        who: the person; "" where nobody answered.
        why: the person's words.

    Returns:
        ``ending`` (served, rejected, expired or moved), ``answer``, ``who``, ``why``, ``asked_by`` and ``served``: the
        epoch that serves it, None where none does.

    Raises:
        BadAnswer: neither of the two answers.
        NotAsked: ``asked_by`` never asked about this package.
    """
    if answer not in (APPROVE, REJECT):
        raise BadAnswer(f"an answer is {APPROVE} or {REJECT}. Received: {answer[:80]!r}")
    judged, kept = judged_in(workplace, package, run_key), workplace.runs.decision(package)
    asked = kept.read()
    if asked is None or asked["asked_by"] != asked_by:
        raise NotAsked(f"{asked_by} did not ask about package {package[:12]}")
    if "ending" in asked:
        return asked
    with workplace.sessions.begin() as session:
        row = moved_by(session, judged)
        ending = _ending(answer, who, row)
        if ending is not Ending.SERVED:
            judgements.decline(session, package=package, asked_by=asked_by, ending=ending.value, who=who, why=why)
    log.info("decision.ended", extra={"package": package, "ending": ending})
    told = {"ending": ending.value, "answer": answer, "who": who or None, "why": why}
    return kept.write({**asked, **told, "served": row.epoch if row else None})


def _ending(answer: str, who: str, row: Promotion | None) -> Ending:
    if answer == APPROVE:
        return Ending.SERVED if row else Ending.MOVED
    return Ending.REJECTED if who else Ending.EXPIRED


def _epoch(champion: Promotion | None) -> int:
    return champion.epoch if champion else NO_EPOCH
