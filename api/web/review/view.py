"""What the desk's templates show of a product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from api.web.readable import is_marked_up, readable
from core.db.models import Prediction
from core.domain.language import Language
from core.domain.review import Status

SHOWN_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category's code and its probability in [0, 1]."""

    code: int
    share: float


@dataclass(frozen=True, slots=True)
class Word:
    """What the sender said: ``kind`` of feedback, the code that they hold right, their reason, and when."""

    kind: str
    code: int | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a label looks wrong: the code the product looks like, and how well the label fits, in [0, 1]."""

    code: int
    fit: float


@dataclass(frozen=True, slots=True)
class Card:
    """One product on the desk.

    Attributes:
        description: as its reader would see it, line by line.
        sent_description: as it was sent; None where that says nothing more.
        code: the current one: the suggestion, until somebody changed it; or the label that was given.
        suggested: the model's, never changed.
        text: the best answer by the text alone; None where there is none. ``image`` likewise by the photo.
        tongue: the language of the product's texts for screen readers; None where it is not known.
    """

    id: str
    version: int
    status: str
    title: str
    description: str
    sent_description: str | None
    tongue: str | None
    has_image: bool
    modality: str
    code: int
    suggested: int
    confidence: float
    candidates: tuple[Candidate, ...]
    text: Candidate | None
    image: Candidate | None
    model: str
    model_version: str
    epoch: int
    created_at: datetime
    word: Word | None
    doubt: Doubt | None

    @property
    def is_pending(self) -> bool:
        """Whether it still waits for a label."""
        return self.status == Status.PENDING

    @property
    def is_changed(self) -> bool:
        """Whether somebody put another code in the suggestion's place."""
        return self.code != self.suggested

    @property
    def bare_title(self) -> str:
        """The title on one line; empty for a product that came as a photo alone."""
        return " ".join(self.title.split())


def card_of(row: Prediction) -> Card:
    """A staged row as the desk shows it."""
    sent = row.description or ""
    return Card(
        id=row.id,
        version=row.version,
        status=row.status,
        title=row.designation,
        description=readable(sent),
        sent_description=sent if is_marked_up(sent) else None,
        tongue=None if row.language == Language.UNKNOWN else row.language,
        has_image=row.image_sha256 is not None,
        modality=row.modality,
        code=row.current_code,
        suggested=row.suggested_code,
        confidence=row.confidence,
        candidates=tuple(Candidate(code, share) for code, share in row.answer["top_k"][:SHOWN_CANDIDATES]),
        text=_best(row.answer.get("text")),
        image=_best(row.answer.get("image")),
        model=row.model_name,
        model_version=row.model_version[:8],
        epoch=row.epoch,
        created_at=row.created_at.replace(tzinfo=UTC),
        word=_word_of(row),
        doubt=_doubt_of(row),
    )


def _best(ranking: Sequence[tuple[int, float]] | None) -> Candidate | None:
    return Candidate(*ranking[0]) if ranking else None


def _word_of(row: Prediction) -> Word | None:
    if row.feedback is None or row.feedback_at is None:
        return None
    return Word(row.feedback, row.feedback_code, row.feedback_reason, row.feedback_at.replace(tzinfo=UTC))


def _doubt_of(row: Prediction) -> Doubt | None:
    if not row.second_opinion or row.alternative_code is None or row.label_quality is None:
        return None
    return Doubt(row.alternative_code, row.label_quality)
