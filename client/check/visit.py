"""One check as it goes, and how a step of it fails."""

from collections.abc import Callable
from dataclasses import dataclass, field

from client.answers import Prediction
from client.client import EtalonClient
from client.errors import ProblemError


class StepFailed(Exception):
    """The service did something else than it should; says what."""


@dataclass(frozen=True, slots=True)
class Canary:
    """An account that only the check uses, and the role that it should have."""

    username: str
    password: str = field(repr=False)
    role: str


@dataclass(slots=True)
class Visit:
    """Who asks, what they sent, and which of it is still there.

    Attributes:
        anybody: asks without signing in.
        stranger: asks with a key that is none.
        customer: asks as the first of ``canaries``.
        reviewer: asks as the second.
        product: the customer's product as it was first answered.
        left: what is to be erased, and who may do it.
    """

    anybody: EtalonClient
    stranger: EtalonClient
    customer: EtalonClient
    reviewer: EtalonClient
    canaries: tuple[Canary, Canary]
    product: Prediction | None = None
    left: list[tuple[EtalonClient, str]] = field(default_factory=list)

    @property
    def sent(self) -> Prediction:
        """The customer's product."""
        if self.product is None:
            raise StepFailed("no product was sent")
        return self.product


Step = Callable[[Visit], str]
"""Looks at one thing and returns what it found, in a few words; raises ``StepFailed`` where that is wrong."""


def expect(is_so: bool, otherwise: str) -> None:
    """Fail with that sentence unless it is so."""
    if not is_so:
        raise StepFailed(otherwise)


def expect_refusal(status: int, ask: Callable[[], object], who: str) -> str:
    """Fail unless ``ask`` is refused with ``status``; returns the refusal."""
    try:
        ask()
    except ProblemError as problem:
        expect(problem.status == status, f"{who} was answered {problem}, not {status}")
        return f"{problem.status} {problem.code}"
    raise StepFailed(f"{who} was let in, not refused with {status}")
