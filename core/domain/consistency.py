"""What the staging database says of the loop: the plain facts that the store's invariants compare."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.review import OutboxKind, Status


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the outbox.

    Attributes:
        kind: what is to be done.
        version: of the prediction, as its verdict left it.
        code: what that verdict accepted, None where no verdict has this version.
        segment: the batch that claimed it, None while it waits.
        row: its row in that batch's segment, for claimed appends.
        done: the batch is marked.
        age_s: seconds since the verdict.
    """

    kind: OutboxKind
    version: int
    code: int | None
    segment: int | None
    row: int | None
    done: bool
    age_s: float

    @property
    def waits(self) -> bool:
        """Nobody has claimed it yet."""
        return self.segment is None and not self.done


@dataclass(frozen=True, slots=True)
class Staged:
    """One prediction that somebody decided about.

    Attributes:
        status: where it stands.
        version: 1 and one more for every verdict.
        code: the code it has now.
        verdicts: how many of the versions 2 to ``version`` have a verdict.
        action: what the verdict of ``version`` did, None where there is none.
        accepted: the code of that verdict.
        split: what its first claim decided, None before.
        cluster: likewise.
        image_sha256: its photo, None for none.
        erase: its owner wished it gone.
        blank: its text and photo are gone.
        work: what its verdicts left to do, oldest first.
    """

    status: Status
    version: int
    code: int
    verdicts: int
    action: str | None
    accepted: int | None
    split: str | None = None
    cluster: str | None = None
    image_sha256: str | None = None
    erase: bool = False
    blank: bool = False
    work: tuple[Work, ...] = ()

    def of_kind(self, kind: OutboxKind) -> list[Work]:
        """Its work of one kind, oldest first."""
        return [work for work in self.work if work.kind is kind]


@dataclass(frozen=True, slots=True)
class Batch:
    """One claim: its ``rows`` appends and ``retractions``, its ``manifest`` (None while it is open), seconds of age."""

    segment: int
    rows: int
    retractions: int
    manifest: int | None
    age_s: float


@dataclass(frozen=True, slots=True)
class Release:
    """One epoch of the ledger: the package of each model name, and what was served before."""

    epoch: int
    models: Mapping[str, str]
    previous: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """A model that answered some prediction, as the answer named it."""

    epoch: int
    model: str
    package: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """One link of the audit's chain as it was written, and as its rows now give it (``found_sha256`` None: unread)."""

    seal: int
    rows: int
    sha256: str
    found_rows: int
    found_sha256: str | None


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging database at one moment: predictions by id, batches, ledger and audit chain in their order."""

    predictions: Mapping[str, Staged]
    batches: tuple[Batch, ...] = ()
    releases: tuple[Release, ...] = ()
    answered: tuple[Answered, ...] = ()
    seals: tuple[Sealed, ...] = ()
