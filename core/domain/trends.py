"""What days of a loop add up to: verdicts, the backlog as it stood, and what each model answered. All of it pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import accumulate
from statistics import median

from core.domain.review import REJECT, REOPEN, UNDO, VALIDATE
from core.domain.shares import wilson

TENTHS = 10
"""Confidence is counted in tenths of [0, 1]: the first is below 0.1, the last from 0.9 on."""
_LEAVES = {VALIDATE.name: 1, REJECT.name: 1, UNDO.name: -1, REOPEN.name: -1}
_ENDS = (VALIDATE.name, REJECT.name)


@dataclass(frozen=True, slots=True)
class Answers:
    """``rows`` answers of one package with one category and one tenth of confidence (0 to 9)."""

    model: str
    version: str
    epoch: int
    code: int
    tenth: int
    rows: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict, and when its product was sent (both naive UTC); ``agrees``: the code it left is the model's."""

    sent_at: datetime
    decided_at: datetime
    action: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day (UTC).

    Attributes:
        day: which.
        answers: of the products that were sent.
        kinds: verdicts by action and agreement.
        median_age_s: of the products that were accepted or rejected, when they were; None without any.
        left: how many products left the queue, by the day on which they were sent; less those that came back.
    """

    day: date
    answers: tuple[Answers, ...] = ()
    kinds: Mapping[tuple[str, bool], int] = field(default_factory=dict)
    median_age_s: float | None = None
    left: Mapping[date, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Products that came in."""
        return sum(one.rows for one in self.answers)

    def decided(self, action: str) -> int:
        """Verdicts of one action."""
        return sum(rows for (name, _), rows in self.kinds.items() if name == action)

    @property
    def overridden(self) -> int:
        """Products that were accepted with another code than the model's."""
        return self.kinds.get((VALIDATE.name, False), 0)


def day_of(day: date, answers: Iterable[Answers], decisions: Iterable[Decision]) -> Day:
    """Add one day up."""
    kinds: Counter[tuple[str, bool]] = Counter()
    left: Counter[date] = Counter()
    ages_s: list[float] = []
    for one in decisions:
        kinds[one.action, one.agrees] += 1
        left[one.sent_at.date()] += _LEAVES.get(one.action, 0)
        if one.action in _ENDS:
            ages_s.append(max(0.0, (one.decided_at - one.sent_at).total_seconds()))
    moved = {sent: rows for sent, rows in left.items() if rows}
    return Day(day, tuple(answers), dict(kinds), median(ages_s) if ages_s else None, moved)


@dataclass(frozen=True, slots=True)
class Share:
    """A share that was counted, with Wilson's 95 % interval; all in [0, 1]."""

    value: float
    low: float
    high: float


def override_rate(days: Iterable[Day]) -> Share | None:
    """How often whoever accepted a product gave it another code than the model's; None where nothing was accepted."""
    counted = list(days)
    accepted = sum(day.decided(VALIDATE.name) for day in counted)
    overridden = sum(day.overridden for day in counted)
    return Share(overridden / accepted, *wilson(overridden, accepted)) if accepted else None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Products that waited for a decision at the end of a day, and how many days the oldest and the middle one had."""

    rows: int
    oldest_days: int
    median_days: int


def backlogs(days: Sequence[Day], pending: Mapping[date, int]) -> list[Backlog]:
    """The queue at the end of each day, counted backwards from the queue of now.

    Products that their senders have deleted since are in no day's queue.

    Args:
        days: without gaps, oldest first, the last one is today.
        pending: what waits now, by the day on which it was sent.
    """
    queue = Counter(pending)
    found: list[Backlog] = []
    for day in reversed(days):
        found.append(_backlog(day.day, queue))
        queue.update(day.left)
        queue = Counter({sent: rows for sent, rows in queue.items() if sent < day.day and rows > 0})
    return found[::-1]


def _backlog(day: date, queue: Mapping[date, int]) -> Backlog:
    waiting = sorted((sent, rows) for sent, rows in queue.items() if rows > 0)
    total = sum(rows for _, rows in waiting)
    if not total:
        return Backlog(0, 0, 0)
    reached = zip(waiting, accumulate(rows for _, rows in waiting), strict=True)
    middle = next(sent for (sent, _), seen in reached if 2 * seen >= total)
    return Backlog(total, (day - waiting[0][0]).days, (day - middle).days)


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """What one package answered.

    Attributes:
        model: its name.
        version: its sha256.
        rows: products.
        confidence: products by tenth of confidence, ten numbers.
        classes: products by category.
    """

    model: str
    version: str
    rows: int
    confidence: tuple[int, ...]
    classes: Mapping[int, int]


def answers_by_model(days: Iterable[Day], *, at_least: int, most: int) -> list[ModelAnswers]:
    """The packages that answered ``at_least`` products, those of the newest releases first, ``most`` of them."""
    found: dict[tuple[str, str], list[Answers]] = {}
    for one in (answer for day in days for answer in day.answers):
        found.setdefault((one.model, one.version), []).append(one)
    newest = sorted(found.items(), key=lambda item: (-max(one.epoch for one in item[1]), item[0]))
    models = [_model_answers(*name, answers) for name, answers in newest]
    return [one for one in models if one.rows >= at_least][:most]


def _model_answers(model: str, version: str, answers: list[Answers]) -> ModelAnswers:
    confidence: Counter[int] = Counter()
    classes: Counter[int] = Counter()
    for one in answers:
        confidence[one.tenth] += one.rows
        classes[one.code] += one.rows
    tenths = tuple(confidence[tenth] for tenth in range(TENTHS))
    return ModelAnswers(model, version, sum(classes.values()), tenths, dict(sorted(classes.items())))
