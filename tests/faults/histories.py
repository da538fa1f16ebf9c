"""A history: who decided what when and was answered how; and the check that the database tells the same story.

A decision produces the next version of a prediction. So the winners of a prediction, in the order of their
versions, are the only order in which things can have happened, and everything else must follow from it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models import Audit, Outbox, Prediction, Verdict


class Answer(StrEnum):
    """What somebody was told: done; not done; try again (nothing was done); or an error that nobody may see."""

    WON = "won"
    REFUSED = "refused"
    BUSY = "busy"
    BROKEN = "broken"


@dataclass(slots=True)
class Deed:
    """One request of one person.

    Attributes:
        by: id of the account.
        action: validate, reject, modify, undo, correct, retract or bulk.
        targets: the predictions it is about.
        code: the code it asks for, None to keep the code.
        expects: the version it insists on, None for any.
        asked, answered: when, on one clock that only goes forward.
        answer: how it was answered.
        why: code of the refusal, or the error.
        versions: of a winner: the version of each target.
    """

    by: str
    action: str
    targets: tuple[str, ...]
    code: int | None = None
    expects: int | None = None
    asked: int = 0
    answered: int = 0
    answer: Answer = Answer.BROKEN
    why: str = ""
    versions: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} by {self.by[-2:]} ({self.answer} {self.why})"


@dataclass(slots=True)
class Records:
    """What the database says of some predictions."""

    rows: dict[str, Prediction]
    verdicts: dict[str, list[Verdict]] = field(default_factory=lambda: defaultdict(list))
    work: dict[str, dict[tuple[int, str], Outbox]] = field(default_factory=lambda: defaultdict(dict))
    audit: dict[str, list[tuple[int | None, str, str]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, session: Session, prediction_ids: Collection[str]) -> "Records":
        """Everything about these predictions."""
        mine = select(Prediction).where(Prediction.id.in_(prediction_ids))
        found = cls({row.id: row for row in session.scalars(mine)})
        given = select(Verdict).where(Verdict.prediction_id.in_(prediction_ids)).order_by(Verdict.prediction_version)
        for verdict in session.scalars(given):
            found.verdicts[verdict.prediction_id].append(verdict)
        for work in session.scalars(select(Outbox).where(Outbox.prediction_id.in_(prediction_ids))):
            found.work[work.prediction_id][work.version, work.kind] = work
        subjects = [f"prediction/{one}" for one in prediction_ids]
        for row in session.scalars(select(Audit).where(Audit.subject.in_(subjects)).order_by(Audit.id)):
            found.audit[row.subject.removeprefix("prediction/")].append((row.version, row.action, row.actor))
        return found


@dataclass(slots=True)
class Findings:
    """What a check found: the wrongs in words, and how many versions were won twice."""

    wrongs: list[str] = field(default_factory=list)
    double_wins: int = 0


def check(deeds: Sequence[Deed], records: Records) -> Findings:
    """Compare a history with the database after everybody has gone home and the loop has drained."""
    found = Findings()
    for deed in deeds:
        if deed.answer is Answer.BROKEN:
            found.wrongs.append(f"{deed} on {deed.targets}: not an answer")
            found.double_wins += "IntegrityError" in deed.why  # a unique key stood behind the guard that failed
    for prediction_id, row in records.rows.items():
        winners = _winners(deeds, prediction_id)
        _check_versions(found, row, winners)
        _check_order(found, row, winners)
        if not found.wrongs:
            story = [winners[version][0] for version in sorted(winners)]
            found.wrongs += _wrong_records(row, story, records)
            found.wrongs += _wrong_work(row, story, records.work[prediction_id])
            found.wrongs += _wrong_refusals(row, story, deeds)
    return found


def _winners(deeds: Sequence[Deed], prediction_id: str) -> dict[int, list[Deed]]:
    winners: dict[int, list[Deed]] = defaultdict(list)
    for deed in deeds:
        if deed.answer is Answer.WON and prediction_id in deed.versions:
            winners[deed.versions[prediction_id]].append(deed)
    return winners


def _check_versions(found: Findings, row: Prediction, winners: Mapping[int, Sequence[Deed]]) -> None:
    for version, won in winners.items():
        if len(won) > 1:
            found.double_wins += 1
            found.wrongs.append(f"{row.id}: version {version} was won by {', '.join(map(str, won))}")
    if set(winners) != set(range(2, row.version + 1)):
        found.wrongs.append(f"{row.id} is at version {row.version}, won were {sorted(winners)}")


def _check_order(found: Findings, row: Prediction, winners: Mapping[int, Sequence[Deed]]) -> None:
    """What was answered before another question was asked comes before its answer."""
    story = [(version, deed) for version, won in sorted(winners.items()) for deed in won]
    for version, deed in story:
        for later, other in story:
            if later > version and other.answered < deed.asked:
                found.wrongs.append(f"{row.id}: {other} was over before {deed} began, and has the higher version")


_SPELT = {"bulk": "validate"}
_TO = {
    "validate": "validated",
    "reject": "rejected",
    "undo": "pending",
    "reopen": "pending",
    "retract": "retracted",
    "correct": "validated",
}
_FROM = {
    "validate": {"pending"},
    "reject": {"pending"},
    "modify": {"pending"},
    "undo": {"validated", "rejected"},
    "reopen": {"retracted"},
    "correct": {"validated"},
    "retract": {"validated"},
}
"""``validated`` is also what has been ingested since: the loop's own step makes no version."""


def _wrong_records(row: Prediction, story: Sequence[Deed], records: Records) -> Iterator[str]:
    """Replay the winners; verdicts, audit and the final state are what comes out."""
    status, code = "pending", row.suggested_code
    expected = []
    for version, deed in enumerate(story, start=2):
        action = _action(deed, status)
        if status not in _FROM[action]:
            yield f"{row.id}: {deed} won version {version} although it was {status}"
        status, code = _TO.get(action, status), code if deed.code is None else deed.code
        expected.append((version, action, code, deed.by))
    verdicts = records.verdicts[row.id]
    made = [(one.prediction_version, one.action, one.prdtypecode, one.reviewer_id) for one in verdicts]
    if made != expected:
        yield f"{row.id}: verdicts {made}, won were {expected}"
    if sorted(records.audit[row.id]) != [(version, action, by) for version, action, _, by in expected]:
        yield f"{row.id}: audit {records.audit[row.id]}, won were {expected}"
    reached = {"validated": "ingested"}.get(status, status)
    if (row.status, row.current_code) != (reached, code):
        yield f"{row.id} is {row.status} with {row.current_code}; its winners lead to {reached} with {code}"


def _action(deed: Deed, status: str) -> str:
    return "reopen" if deed.action == "undo" and status == "retracted" else _SPELT.get(deed.action, deed.action)


def _wrong_work(row: Prediction, story: Sequence[Deed], work: Mapping[tuple[int, str], Outbox]) -> Iterator[str]:
    """Every winner left its work, or it was withdrawn by a later winner while nobody had claimed it."""
    owed: set[tuple[int, str]] = set()
    status = "pending"
    for version, deed in enumerate(story, start=2):
        action = _action(deed, status)
        appended = {key for key in owed if key[1] == "append"}
        if action == "undo":
            owed.discard((version - 1, "append" if status == "validated" else "archive"))
        elif action in ("correct", "retract"):
            withdrawn = appended - work.keys()
            owed -= withdrawn
            for key in appended - withdrawn:
                if work[key].segment is None:
                    yield f"{row.id}: {key} waited when {deed} won version {version}, and was not withdrawn"
            never_stored = action == "retract" and (version - 1, "append") in withdrawn and _was_fresh(story, version)
            owed |= set() if never_stored else {(version, "retract")}
        owed |= {"validate": {(version, "append")}, "correct": {(version, "append")}}.get(action, set())
        owed |= {"reject": {(version, "archive")}}.get(action, set())
        status = _TO.get(action, status)
    if set(work) != owed:
        yield f"{row.id}: work {sorted(work)}, owed is {sorted(owed)}"
    stuck = [key for key, one in work.items() if key[1] != "archive" and one.done_at is None]
    if stuck:
        yield f"{row.id}: stuck: {stuck} waits although the loop has drained"


def _was_fresh(story: Sequence[Deed], version: int) -> bool:
    """Whether the verdict before ``version`` validated: then its append was the only one that could wait."""
    return story[version - 3].action in ("validate", "bulk")


def _wrong_refusals(row: Prediction, story: Sequence[Deed], deeds: Sequence[Deed]) -> Iterator[str]:
    """Who was told that somebody was faster lost to a winner that can have been."""
    for deed in deeds:
        if deed.answer is not Answer.REFUSED or deed.targets != (row.id,):
            continue
        if deed.why == "review.stale_version":
            rivals = [one for one in story if one.versions[row.id] > (deed.expects or 0) and one.asked < deed.answered]
        elif deed.why == "review.changed_meanwhile" and row.segment is None:  # else the loop may have been faster
            rivals = [one for one in story if one.asked < deed.answered and one.answered > deed.asked]
        else:
            continue
        if not rivals:
            yield f"{row.id}: {deed} was refused, and nobody was there who can have been faster"
