"""What the seller's templates show of a product and of what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.accounts.service import Account
from api.lineage.schemas import TrainingRowRead
from api.predictions.schemas import PredictionRead
from api.serving.engine import Release
from api.web.readable import is_marked_up, readable
from core.db.models import Prediction
from core.domain.feedback import FITTING, Feedback
from core.domain.product import Modality
from core.domain.review import Status
from core.domain.taxonomy import Taxonomy

_SURENESS = ((0.9, "very"), (0.7, "fairly"), (0.4, "hardly"))
_TONES = {Status.PENDING: "", Status.REJECTED: "bad", Status.ARCHIVED: "bad", Status.RETRACTED: "warn"}
_IN_STORE = frozenset({Status.VALIDATED, Status.INGESTED})


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that can be asked: its name, whether it answers where none is chosen, and whether it reads titles."""

    name: str
    is_default: bool
    reads_text: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One product as its seller sees it.

    Attributes:
        read: what the service tells of it.
        is_own: whether the visitor sent it.
    """

    read: PredictionRead
    is_own: bool

    @classmethod
    def of(cls, row: Prediction, taxonomy: Taxonomy, visitor: Account) -> "Shown":
        """Render a staged row for a visitor."""
        return cls(PredictionRead.from_row(row, taxonomy), row.owner_id == visitor.id)

    @property
    def status(self) -> Status:
        """Where it stands."""
        return Status(self.read.status)

    @property
    def tone(self) -> str:
        """The colour of its status: a class of ``chip``."""
        return _TONES.get(self.status, "good")

    @property
    def description(self) -> str:
        """Its description as a reader would see it, line by line; empty where there is none."""
        return readable(self.read.description or "")

    @property
    def is_marked_up(self) -> bool:
        """Whether the description was sent with tags or entities, which ``description`` does not show."""
        return is_marked_up(self.read.description or "")

    @property
    def is_corrected(self) -> bool:
        """Whether a person accepted another category than the model's."""
        return self.read.final_code is not None and self.read.final_code != self.read.suggested_code

    @property
    def is_in_store(self) -> bool:
        """Whether a training row of it exists or is on its way, so that erasing it takes until the next snapshot."""
        return self.status in _IN_STORE

    @property
    def sureness(self) -> str:
        """The confidence in a word: ``very``, ``fairly``, ``hardly`` or ``not``."""
        return next((word for least, word in _SURENESS if self.read.confidence >= least), "not")

    @property
    def read_halves(self) -> str:
        """Which halves of the product were read, as the end of a text's key."""
        return self.read.modality.replace("+", "_").replace("-", "_")

    def may(self, kind: str) -> bool:
        """Whether its sender may say ``kind`` of it now."""
        return self.is_own and self.status in FITTING[Feedback(kind)]


@dataclass(frozen=True, slots=True)
class Taught:
    """A model that a product's label went into, since which release."""

    name: str
    first_epoch: int


@dataclass(frozen=True, slots=True)
class Learning:
    """What a product's label is used for now.

    Attributes:
        use: ``learnt``, ``measured`` or ``none``; ``""`` where no row of it counts now.
        waiting: a row is being written.
        gone: it was used once, and is not any more.
        models: those that learnt from it, or were measured by it, the latest release last.
    """

    use: str
    waiting: bool
    gone: bool
    models: tuple[Taught, ...]

    @classmethod
    def of(cls, rows: Sequence[TrainingRowRead]) -> "Learning":
        """Sum up a product's training rows; a corrected product has several."""
        live = [row for row in rows if row.since is not None and row.until is None]
        return cls(
            use=live[-1].use if live else "",
            waiting=any(row.since is None for row in rows),
            gone=bool(rows) and not live and all(row.until is not None for row in rows),
            models=_taught(live or rows),
        )


def _taught(rows: Iterable[TrainingRowRead]) -> tuple[Taught, ...]:
    found = {(model.first_epoch, model.name) for row in rows for model in row.models}
    return tuple(Taught(name, epoch) for epoch, name in sorted(found))


def models_of(release: Release) -> tuple[Asked, ...]:
    """The models that a seller may choose from, the default one first."""
    default = release.default_name
    names = sorted(release.models, key=lambda name: (name != default, name))
    return tuple(Asked(name, name == default, Modality.TEXT_ONLY in release.models[name].halves) for name in names)
