"""What the staging database says of the training store: the plain facts that the invariants compare."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.review import Status


@dataclass(frozen=True, slots=True)
class Staged:
    """One prediction that was ever validated.

    Attributes:
        status: where it stands.
        code: the last accepted code.
        appended: its append is done, so the training view must hold it.
        waiting: some append or retraction of it is still to be done.
    """

    status: Status
    code: int
    appended: bool
    waiting: bool


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A batch that was claimed and is not yet marked as ingested; ``age_s`` by the database's clock."""

    segment: int
    rows: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging database at one moment: predictions by id, open claims, age of the oldest waiting append."""

    predictions: Mapping[str, Staged]
    open_claims: tuple[OpenClaim, ...]
    oldest_waiting_s: float
