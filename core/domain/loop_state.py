"""Is each stage of the loop well? Judged by how much waits there and for how long; the clock is the caller's."""

from dataclasses import dataclass
from enum import StrEnum

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S


class State(StrEnum):
    """How a stage is: nothing is wrong, it is behind, it does not move, or it waits for a person."""

    WELL = "well"
    SLOW = "slow"
    STUCK = "stuck"
    ASKS = "asks"


class Stage(StrEnum):
    """The stages in a product's order; ``ARCHIVE`` is the way of the rejected ones."""

    SENT = "sent"
    REVIEW = "review"
    APPEND = "append"
    TRAIN = "train"
    DECIDE = "decide"
    SERVE = "serve"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that the oldest thing of a stage may wait: above ``slow_s`` it is behind, above ``stuck_s`` stuck."""

    slow_s: float
    stuck_s: float

    def judge(self, oldest_age_s: float) -> State:
        """How a stage is whose oldest thing has waited so long; 0 where nothing waits."""
        if oldest_age_s > self.stuck_s:
            return State.STUCK
        return State.SLOW if oldest_age_s > self.slow_s else State.WELL


REVIEW = Patience(_DAY_S, 3 * _DAY_S)
TRAIN = Patience(2 * _HOUR_S, 6 * _HOUR_S)
"""A retraining takes minutes, a fine-tuning has a path of its own; after that, its DAG has failed."""
ARCHIVE = Patience(2 * _HOUR_S, _DAY_S)
SERVE = Patience(0.0, 120.0)
BATCH = Patience(0.5 * _HOUR_S, 2 * _HOUR_S)
"""A claimed batch that is not finished."""


def append_patience(max_age_s: float) -> Patience:
    """Of labels: a run is due when the oldest has waited ``max_age_s``, and overdue after half as long again."""
    return Patience(max_age_s + _HOUR_S, max(1.5 * max_age_s, 2 * _HOUR_S))


def worst(*states: State) -> State:
    """The one that a person should hear of."""
    order = (State.STUCK, State.SLOW, State.ASKS, State.WELL)
    return min(states, key=order.index)
