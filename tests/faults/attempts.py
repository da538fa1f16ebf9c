"""What clients asked of the service, and what they were told: the journal that the service is judged by."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.shopfront import Person

BUSY = 503
_GONE = (404, 403)


class Outcome(StrEnum):
    """What a client knows of a request: 2xx, an answer that says nothing was done, or no answer at all."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Attempt:
    """One request, sent once or several times under one name.

    Attributes:
        tag: its name: the ``Idempotency-Key``, and part of the designation or the reason.
        who: the caller.
        action: ``predict`` or what is done to ``targets``.
        targets: ids of predictions; empty for ``predict`` and ``take_back``.
        code: the code it asks for, None where it leaves the code.
        expects: the version in ``If-Match``, None without.
        keyed: whether it carries its ``Idempotency-Key``.
        photo: number of the upload, None without.
        until: end of a take-back's time span, in ISO 8601; "" for everything else.
        outcome: what is known of it.
        status: of the last answer, None before.
        versions: version of each prediction in its first acknowledgement.
        sent: how often it was sent; more than once where the network may have doubled it.
        closed: nothing more will be heard of it: what it was about is gone.
    """

    tag: str
    who: Person
    action: str
    targets: tuple[str, ...] = ()
    code: int | None = None
    expects: int | None = None
    keyed: bool = True
    photo: int | None = None
    until: str = ""
    outcome: Outcome = Outcome.UNKNOWN
    status: int | None = None
    versions: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    closed: bool = False

    def __str__(self) -> str:
        told = self.status or "no answer"
        return f"{self.action} {self.tag} by {self.who.name} on {', '.join(self.targets) or '-'} ({told})"

    def learn(self, status: int, answers: Iterable[tuple[str, int]]) -> None:
        """Write an answer down: its status, and the version of each prediction in it."""
        first = self.sent <= 1
        self.status = status
        if 200 <= status < 300:
            self.outcome = Outcome.ACKNOWLEDGED
            if first or self.action == "predict":
                self.versions = self.versions or dict(answers)
        elif self.outcome is not Outcome.UNKNOWN or status == BUSY:  # it may have been committed before it was lost
            return
        elif first:
            self.outcome = Outcome.REFUSED
        elif status in _GONE or not self.keyed:  # it may have been done before, and what it was about went since
            self.closed = True
        else:
            self.outcome = Outcome.REFUSED


@dataclass(slots=True)
class Known:
    """What clients last saw of a prediction."""

    owner: str
    status: str
    version: int
    code: int


class Attempts:
    """Every attempt, and what is known of every prediction. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Attempt] = []
        self._known: dict[str, Known] = {}

    def add(self, attempt: Attempt) -> Attempt:
        """Write an attempt down before it is sent."""
        with self._lock:
            self._all.append(attempt)
        return attempt

    def saw(self, prediction_id: str, known: Known) -> None:
        """Remember the newest version that was seen of a prediction."""
        with self._lock:
            before = self._known.get(prediction_id)
            if before is None or before.version <= known.version:
                self._known[prediction_id] = known

    def forget(self, prediction_id: str) -> None:
        """It was deleted, or is not to be found."""
        with self._lock:
            self._known.pop(prediction_id, None)

    def known(self, *statuses: str, owner: str | None = None) -> list[tuple[str, Known]]:
        """The predictions that were last seen in one of these states, oldest first."""
        with self._lock:
            return [
                (one, known)
                for one, known in sorted(self._known.items())
                if known.status in statuses and (owner is None or known.owner == owner)
            ]

    def all(self) -> list[Attempt]:
        """Every attempt so far."""
        with self._lock:
            return list(self._all)

    def unknown(self) -> list[Attempt]:
        """The attempts that nobody has heard of since."""
        return [one for one in self.all() if one.outcome is Outcome.UNKNOWN and not one.closed]
