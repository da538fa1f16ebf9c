"""The judge of requests: what clients were told against what is in the database, row by row.

Whatever was acknowledged is there with verdict, work and audit; whatever was refused is not; and whatever nobody
knows of is wholly there or wholly absent, once at most.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models import Audit, Outbox, Prediction, Verdict
from core.errors import EtalonError
from preprocessing.images import ImageFolder
from tests.faults.attempts import Attempt, Attempts, Outcome
from tests.faults.campaign import Tally
from tests.faults.judging import read_view
from tests.faults.shopfront import Shopfront, upload
from tests.faults.staff import designation_of

_LEAVES = {
    "validate": {"validated", "ingested"},
    "reject": {"rejected", "archived"},
    "modify": {"pending"},
    "undo": {"pending"},
    "reopen": {"pending"},
    "correct": {"ingested"},
    "retract": {"retracted"},
    "erase": {"retracted", "archived"},
}
"""Where a prediction may stand after its last verdict."""
_WORK = {"validate": {"append"}, "reject": {"archive"}, "correct": {"append", "retract"}, "retract": {"retract"}}
"""What a verdict leaves for the loop."""
_MAY_BE_WITHDRAWN = {"append", "archive"}
_VERDICTS = {
    "validate": ("validate",),
    "bulk": ("validate",),
    "reject": ("reject",),
    "undo": ("undo", "reopen"),
    "correct": ("correct",),
    "retract": ("retract",),
    "take_back": ("retract",),
}
"""The verdicts that an attempt may leave, each with the attempt's tag as its reason."""
_ACCEPTS = ("validate", "correct")


@dataclass(slots=True)
class _Records:
    predictions: dict[str, Prediction]
    verdicts: dict[str, list[Verdict]] = field(default_factory=lambda: defaultdict(list))
    work: dict[str, list[Outbox]] = field(default_factory=lambda: defaultdict(list))
    audit: dict[str, list[Audit]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, session: Session) -> "_Records":
        records = cls({row.id: row for row in session.scalars(select(Prediction))})
        for verdict in session.scalars(select(Verdict).order_by(Verdict.prediction_version)):
            records.verdicts[verdict.prediction_id].append(verdict)
        for work in session.scalars(select(Outbox)):
            records.work[work.prediction_id].append(work)
        for row in session.scalars(select(Audit).where(Audit.subject.like("prediction/%"))):
            records.audit[row.subject.removeprefix("prediction/")].append(row)
        return records


class RecordJudge:
    """Compares one moment of the database with the journal.

    Args:
        front: the place.
        attempts: the journal.
        where: names the moment in every violation.
    """

    def __init__(self, front: Shopfront, attempts: Attempts, where: str) -> None:
        self._front = front
        self._attempts = attempts.all()
        self._where = where
        with front.shop.sessions() as session:
            self._records = _Records.read(session)
        self.tally = Tally()

    def judge(self) -> Tally:
        """Everything that can be said while work is still under way."""
        for prediction_id, row in self._records.predictions.items():
            self._judge_whole(prediction_id, row)
        self._judge_predictions()
        self._judge_tagged()
        self._judge_modifications()
        self._judge_deletions()
        self._judge_take_backs()
        return self.tally

    def judge_view(self) -> Tally:
        """The training view, once the loop has drained: every standing label once, with its last code and photo."""
        view = read_view(self._front.shop.store.training)
        rows = Counter(row.prediction_id for row in view if row.prediction_id)
        standing = self._standing()
        for prediction_id, times in rows.items():
            if times > 1:
                self._blame(f"doubled: {prediction_id} is in the view {times} times", doubled=times - 1)
            if prediction_id not in standing:
                self._blame(f"ghost: {prediction_id} is in the view without a standing verdict", ghosts=1)
        codes = {row.prediction_id: (row.code, row.designation) for row in view}
        for prediction_id, verdict in standing.items():
            expected = (verdict.prdtypecode, self._records.predictions[prediction_id].designation)
            if codes.get(prediction_id) != expected:
                self._blame(f"lost: {prediction_id} is {codes.get(prediction_id)}, not {expected}", lost=1)
        for prediction_id, work in self._records.work.items():
            waiting = [one.kind for one in work if one.done_at is None and one.kind != "archive"]
            if waiting:
                self._blame(f"stuck: {prediction_id} waits for {waiting}", stuck=len(waiting))
        done = Counter(one.action for one in self._attempts if one.outcome is Outcome.ACKNOWLEDGED)
        self.tally += Tally(rows=done.total() - done["predict"], actions=done)
        return self.tally

    def _standing(self) -> dict[str, Verdict]:
        last = {one: verdicts[-1] for one, verdicts in self._records.verdicts.items() if verdicts}
        return {one: verdict for one, verdict in last.items() if verdict.action in _ACCEPTS}

    def _judge_whole(self, prediction_id: str, row: Prediction) -> None:
        """Verdicts, work, audit and state tell one story."""
        verdicts, audit = self._records.verdicts[prediction_id], self._records.audit[prediction_id]
        versions = [verdict.prediction_version for verdict in verdicts]
        if versions != list(range(2, row.version + 1)):
            self._blame(f"half done: {prediction_id} is at version {row.version} with verdicts {versions}")
        told = Counter((one.version, one.action, one.actor) for one in audit)
        made = Counter((one.prediction_version, one.action, one.reviewer_id) for one in verdicts)
        if told != made:
            self._blame(f"half done: {prediction_id} has audit {sorted(told)} for verdicts {sorted(made)}")
        last = verdicts[-1].action if verdicts else "modify"  # as good as untouched: pending
        if row.status not in _LEAVES[last]:
            self._blame(f"half done: {prediction_id} is {row.status} after {last}")
        self._judge_work(prediction_id, verdicts)

    def _judge_work(self, prediction_id: str, verdicts: list[Verdict]) -> None:
        found: dict[int, set[str]] = defaultdict(set)
        for work in self._records.work[prediction_id]:
            found[work.version].add(work.kind)
        for number, verdict in enumerate(verdicts):
            due = _WORK.get(verdict.action, set())
            left = found.pop(verdict.prediction_version, set())
            is_last = number == len(verdicts) - 1
            optional = set() if is_last and verdict.action != "retract" else _MAY_BE_WITHDRAWN
            if verdict.action == "retract" and self._was_withdrawn(prediction_id, verdicts[number - 1]):
                optional = optional | {"retract"}
            if not due - optional <= left <= due:
                version = verdict.prediction_version
                self._blame(f"half done: {prediction_id} version {version}, {verdict.action}, left work {left or '{}'}")
        if found:
            self._blame(f"ghost work: {prediction_id} has {dict(found)} without a verdict")

    def _was_withdrawn(self, prediction_id: str, accepted: Verdict) -> bool:
        """Whether a label was taken back before any batch had claimed it; then there is nothing to tombstone.

        Rows that an earlier label of the same product was given are an earlier retraction's.
        """
        appended = {work.version for work in self._records.work[prediction_id] if work.kind == "append"}
        return accepted.action == "validate" and accepted.prediction_version not in appended

    def _judge_predictions(self) -> None:
        """Every product was sent by somebody, is there once at most, and beside its own photo."""
        sent = {designation_of(one): one for one in self._attempts if one.action == "predict"}
        rows = self._records.predictions.values()
        there = Counter(row.designation for row in rows if row.designation)
        ids = {row.designation: row.id for row in rows}
        for designation, times in there.items():
            if designation not in sent:
                self._blame(f"ghost: nobody sent {designation!r}", ghosts=1)
            elif times > 1:
                self._blame(f"doubled: {designation!r} was staged {times} times", doubled=times - 1)
            elif sent[designation].outcome is Outcome.REFUSED:
                self._blame(f"ghost: {sent[designation]} was refused and is there", ghosts=1)
        for designation, attempt in sent.items():
            if attempt.outcome is Outcome.ACKNOWLEDGED:
                self._judge_staged(attempt)
                if ids.get(designation) not in (None, *attempt.versions):
                    self._blame(f"ghost: {attempt}, answered as {list(attempt.versions)}, came back", ghosts=1)

    def _judge_staged(self, attempt: Attempt) -> None:
        for prediction_id in attempt.versions:
            row = self._records.predictions.get(prediction_id)
            if row is None:
                if not self._may_be_gone(prediction_id):
                    self._blame(f"lost: {attempt} was acknowledged as {prediction_id}", lost=1)
            elif row.erase_requested_at is None and row.image_sha256 != _sha_of(attempt.photo):
                self._blame(f"lost: {prediction_id} has the photo {row.image_sha256}", lost=1)
            elif row.image_sha256 is not None and not self._has_photo(row.image_sha256):
                self._blame(f"lost: the photo {row.image_sha256} of {prediction_id} is not on the disk", lost=1)

    def _has_photo(self, sha256: str) -> bool:
        try:
            return bool(ImageFolder(self._front.shop.store.images).get(sha256))
        except EtalonError:
            return False

    def _may_be_gone(self, prediction_id: str) -> bool:
        deletions = [one for one in self._attempts if one.action == "delete" and prediction_id in one.targets]
        return any(one.outcome is not Outcome.REFUSED for one in deletions)

    def _judge_tagged(self) -> None:
        """Verdicts that carry their attempt's tag."""
        by_tag: dict[str, list[Verdict]] = defaultdict(list)
        for verdicts in self._records.verdicts.values():
            for verdict in verdicts:
                if verdict.reason is not None:
                    by_tag[verdict.reason].append(verdict)
        for attempt in self._attempts:
            if attempt.action in _VERDICTS:
                self._judge_decision(attempt, by_tag.pop(attempt.tag, []))
        for tag, verdicts in by_tag.items():
            self._blame(f"ghost: nobody made the verdict {tag!r} on {verdicts[0].prediction_id}", ghosts=len(verdicts))

    def _judge_decision(self, attempt: Attempt, found: list[Verdict]) -> None:
        there = Counter(verdict.prediction_id for verdict in found)
        if any(times > 1 for times in there.values()) and attempt.action != "take_back":
            self._blame(f"doubled: {attempt} is there as {dict(there)}", doubled=1)
        if attempt.outcome is Outcome.REFUSED and found:
            self._blame(f"ghost: {attempt} was refused and is there", ghosts=1)
        for verdict in found:
            wrong_code = attempt.code is not None and verdict.prdtypecode != attempt.code
            wrong = verdict.action not in _VERDICTS[attempt.action] or verdict.reviewer_id != attempt.who.id
            if wrong or wrong_code:
                self._blame(f"{attempt} is there as {verdict.action} of {verdict.prdtypecode}", lost=1)
        if attempt.action == "take_back":
            return
        remaining = {one for one in attempt.targets if one in self._records.predictions}
        absent = remaining - set(there)
        if attempt.outcome is Outcome.ACKNOWLEDGED and absent:
            self._blame(f"lost: {attempt} was acknowledged; nothing of it on {sorted(absent)}", lost=len(absent))
        if attempt.outcome is Outcome.UNKNOWN and absent and set(there) & remaining:
            self._blame(f"half done: {attempt} is on {sorted(there)} and not on {sorted(absent)}")
        self._judge_versions(attempt, found)

    def _judge_versions(self, attempt: Attempt, found: list[Verdict]) -> None:
        for verdict in found:
            told = attempt.versions.get(verdict.prediction_id)
            if told is not None and told != verdict.prediction_version:
                self._blame(f"{attempt} was answered with version {told}, it is {verdict.prediction_version}")
            if attempt.expects is not None and verdict.prediction_version != attempt.expects + 1:
                self._blame(f"{attempt} was decided on another version than {attempt.expects}")

    def _judge_modifications(self) -> None:
        """Modifications carry no tag: as many as were acknowledged, and no more than were sent."""
        wanted: dict[tuple[str, str, int | None], Counter[Outcome]] = defaultdict(Counter)
        for attempt in self._attempts:
            if attempt.action == "modify" and attempt.targets[0] in self._records.predictions:
                wanted[attempt.targets[0], attempt.who.id, attempt.code][attempt.outcome] += 1
        found: Counter[tuple[str, str, int | None]] = Counter(
            (verdict.prediction_id, verdict.reviewer_id, verdict.prdtypecode)
            for verdicts in self._records.verdicts.values()
            for verdict in verdicts
            if verdict.action == "modify"
        )
        for key in {*wanted, *found}:
            least = wanted[key][Outcome.ACKNOWLEDGED]
            most = least + wanted[key][Outcome.UNKNOWN]
            if found[key] < least:
                self._blame(f"lost: {least} modifications of {key} were acknowledged, {found[key]} are there", lost=1)
            elif found[key] > most:
                self._blame(f"doubled: {most} modifications of {key} were sent, {found[key]} are there", doubled=1)

    def _judge_deletions(self) -> None:
        for attempt in self._attempts:
            if attempt.action != "delete" or attempt.outcome is not Outcome.ACKNOWLEDGED:
                continue
            row = self._records.predictions.get(attempt.targets[0])
            if row is not None and row.erase_requested_at is None:
                self._blame(f"lost: {attempt} was acknowledged and the prediction is still {row.status}", lost=1)

    def _judge_take_backs(self) -> None:
        """After an acknowledged take-back no label that its person gave before it stands."""
        acknowledged = [one for one in self._attempts if one.action == "take_back" and one.outcome == "acknowledged"]
        until = max((one.until for one in acknowledged), default="")
        person = self._front.people["tom"].id
        for prediction_id, verdicts in self._records.verdicts.items():
            given = [one for one in verdicts if one.action in _ACCEPTS]
            stands = self._records.predictions[prediction_id].status in ("validated", "ingested")
            if given and stands and given[-1].reviewer_id == person and given[-1].decided_at.isoformat() < until[:26]:
                self._blame(f"ghost: {prediction_id} stands after its reviewer was taken back", ghosts=1)

    def _blame(self, text: str, **harm: int) -> None:
        self.tally += Tally(violations=[f"{self._where}: {text}"], **harm)


def _sha_of(photo: int | None) -> str | None:
    return None if photo is None else upload(photo).sha256
