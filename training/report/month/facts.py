"""What is known of a month. Plain values: whoever reads the database fills them in, whoever draws only looks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.db.repositories.monthly import (
    Archived,
    Batch,
    Decided,
    Judgement,
    LabelEvent,
    Sent,
    Waiting,
    Wish,
)
from core.db.repositories.promotions import Move
from core.domain.review import CORRECT, VALIDATE
from core.errors import Invalid
from training.shares import Share

_WRITTEN = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_NAMES = ("January", "February", "March", "April", "May", "June", "July")
_NAMES += ("August", "September", "October", "November", "December")


class BadMonth(Invalid):
    """Not a month as YYYY-MM, or one that has not begun."""

    code = "report.bad_month"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read ``2026-10``; raises BadMonth."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise BadMonth(f"expected a month as YYYY-MM. Received: {text}")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The one that a moment (naive UTC) is in."""
        return cls(moment.year, moment.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"

    @property
    def title(self) -> str:
        """Such as ``October 2026``."""
        return f"{_NAMES[self.number - 1]} {self.year}"

    @property
    def since(self) -> datetime:
        """Its first moment, naive UTC."""
        return datetime(self.year, self.number, 1, tzinfo=UTC).replace(tzinfo=None)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self.next.since

    @property
    def next(self) -> "Month":
        """The one after."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> "Month":
        """The one before."""
        return Month.of(self.since - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A product whose label a person accepted and that still stood at the end, beside what the model had said.

    Attributes:
        at: when it was accepted or last corrected, naive UTC.
        code: the person's.
        suggested: the model's.
        confidence: the model's, in [0, 1].
        version: sha of the package that answered.
    """

    at: datetime
    code: int
    suggested: int
    confidence: float
    version: str

    @property
    def is_override(self) -> bool:
        """Whether the person gave another code than the model."""
        return self.code != self.suggested


def standing(events: Iterable[LabelEvent]) -> list[Accepted]:
    """What a span's verdicts, in their order, left accepted: each product once, by its last word.

    A label that was undone, retracted or rejected after all does not stand; one that was corrected counts with the
    code it was corrected to, if it was accepted within the span.
    """
    found: dict[str, Accepted] = {}
    for event in events:
        gives = event.action == VALIDATE.name or (event.action == CORRECT.name and event.prediction_id in found)
        if gives:
            found[event.prediction_id] = Accepted(
                event.at, event.code, event.suggested, event.confidence, event.version
            )
        elif event.action != CORRECT.name:
            found.pop(event.prediction_id, None)
    return list(found.values())


def overrides(rows: Iterable[Accepted]) -> Share:
    """How many of the accepted labels are not the model's."""
    counted = [row.is_override for row in rows]
    return Share(sum(counted), len(counted))


def by_answer(rows: Iterable[Accepted]) -> dict[int, Share]:
    """The override rate of each of the model's answers, by code in ascending order."""
    found: dict[int, list[Accepted]] = {}
    for row in rows:
        found.setdefault(row.suggested, []).append(row)
    return {code: overrides(of_code) for code, of_code in sorted(found.items())}


def by_week(rows: Iterable[Accepted]) -> dict[datetime, Share]:
    """The override rate of each week by its Monday, in order; a week counts the days that ``rows`` are of."""
    found: dict[datetime, list[Accepted]] = {}
    for row in rows:
        day = row.at.replace(hour=0, minute=0, second=0, microsecond=0)
        found.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return {monday: overrides(of_week) for monday, of_week in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class Flow:
    """What went through the loop in one month.

    Attributes:
        month: which.
        sent: products by day and modality.
        senders: accounts that sent them.
        decided: verdicts by day, person and kind.
        accepted: labels that stood at the end.
        waiting: products that nobody had decided about at the end, by the day they were sent.
        at: the end that is meant, naive UTC.
    """

    month: Month
    sent: Sequence[Sent]
    senders: int
    decided: Sequence[Decided]
    accepted: Sequence[Accepted]
    waiting: Sequence[Waiting]
    at: datetime

    @property
    def products(self) -> int:
        """How many were sent."""
        return sum(one.rows for one in self.sent)

    @property
    def backlog(self) -> int:
        """How many waited at the end."""
        return sum(one.rows for one in self.waiting)

    @property
    def oldest_age(self) -> timedelta:
        """How long the oldest of them had waited; nothing where none did."""
        return self.at - min((one.oldest for one in self.waiting), default=self.at)

    def verdicts(self) -> dict[str, int]:
        """How many of each action, by name; validations apart by whether they kept the model's code."""
        found: dict[str, int] = {}
        for one in self.decided:
            kept = "" if one.action != VALIDATE.name else " as suggested" if one.agrees else " with another code"
            name = f"{one.action}{kept}"
            found[name] = found.get(name, 0) + one.rows
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What a package scored on products that it had not learnt from.

    Attributes:
        at: when, naive UTC.
        manifest: of which snapshot.
        weighted_f1: in [0, 1].
        interval: the middle 95 % of it, where the run's files still tell.
        accuracy: share of right answers, where they tell.
        calibration_error: with what 95 of 100 honest models stay below, where they tell.
    """

    at: datetime
    manifest: int
    weighted_f1: float
    interval: tuple[float, float] | None = None
    accuracy: float | None = None
    calibration_error: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Champion:
    """What was served at the end of the month.

    Attributes:
        version: sha of the package.
        epoch: since which it has been served, and ``since`` when, naive UTC.
        holdout: what it scored when it was judged; None: nobody measured.
        again: what it scored last beside a challenger; None: there has been none since.
    """

    version: str
    epoch: int
    since: datetime
    holdout: HoldOut | None
    again: HoldOut | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the watch over the model.

    Attributes:
        at: when, naive UTC.
        name: what was read, in words.
        value: what was found.
        threshold: what it is held against.
        alarmed: whether it was surely beyond that.
    """

    at: datetime
    name: str
    value: float
    threshold: float
    alarmed: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A folder of the store: bytes and files in it."""

    name: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Policy:
    """When a month is bad enough to ask for a retraining.

    Attributes:
        min_verdicts: from fewer accepted answers of the model nothing is concluded.
        significance: the chance of asking although nothing became worse, in (0, 1).
        min_accuracy: of the model's answers on verdicts, in [0, 1].
    """

    min_verdicts: int
    significance: float
    min_accuracy: float


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a report says, but for the words.

    Attributes:
        now: the month.
        before: the month before it.
        is_over: False: the month is still running, and ``now.at`` is the last moment of which there are data.
        batches: what the training store took.
        rows: live rows of the training store at the end; None before the first batch.
        judgements: of packages, in order.
        moves: rows of the ledger, in order.
        wishes: for retrainings, in order.
        feedback: what senders said, by kind.
        archived: of rejected products.
        champion: None: nothing was served.
        readings: of the watch, in order.
        rooms: what the store's folders take, at the moment the report is made.
        labels: of categories by code, as they are to be shown.
        references: weighted F1 of known baselines by name.
        policy: when to ask for a retraining.
    """

    now: Flow
    before: Flow
    is_over: bool
    batches: Sequence[Batch]
    rows: int | None
    judgements: Sequence[Judgement]
    moves: Sequence[Move]
    wishes: Sequence[Wish]
    feedback: Mapping[str, int]
    archived: Archived
    champion: Champion | None
    readings: Sequence[Reading]
    rooms: Sequence[Room]
    labels: Mapping[int, str]
    references: Mapping[str, float]
    policy: Policy

    @property
    def of_champion(self) -> list[Accepted]:
        """The month's accepted labels of products that the champion of its end answered."""
        return [row for row in self.now.accepted if self.champion and row.version == self.champion.version]

    def label(self, code: int) -> str:
        """A category as it is shown."""
        return self.labels.get(code, str(code))
