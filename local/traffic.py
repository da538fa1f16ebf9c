"""The people of the demonstration: a customer who sends products, a reviewer who answers the suggestions."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client import EtalonClient, Prediction, ProblemError
from local.incoming import Incoming
from local.verdicts import Action, VerdictPlan

_THREADS = 4  # enough to keep two cores busy while answers travel
_TELL_EVERY = 100


class TooFewAccepted(RuntimeError):
    """The service refused more products than the catalogue has to spare."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A product that arrived, and the service's suggestion for it."""

    product: Incoming
    prediction: Prediction


def send_products(
    customer: EtalonClient, products: Sequence[Incoming], wanted: int, say: Callable[[str], None]
) -> list[Staged]:
    """Have ``wanted`` of ``products`` classified; one that the service refuses is replaced by a spare one.

    Raises:
        TooFewAccepted: there was no spare one left.
    """
    spare = iter(products[wanted:])
    told = _Counter(wanted, "products classified", say)
    lock = threading.Lock()

    def send(product: Incoming) -> Staged:
        while True:
            try:
                prediction = customer.predict(product.designation, product.description, product.image)
            except ProblemError as problem:
                if problem.status not in (413, 422):
                    raise
                say(f"refused ({problem.code}): {product.designation[:60]!r}")
                product = _next(spare, lock, problem)
            else:
                told.one_more()
                return Staged(product, prediction)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(send, products[:wanted]))


def _next(spare: Iterator[Incoming], lock: threading.Lock, problem: ProblemError) -> Incoming:
    with lock:
        product = next(spare, None)
    if product is None:
        raise TooFewAccepted(f"the service refused products and none is left to replace them: {problem}")
    return product


def review(
    reviewer: EtalonClient, truth: Mapping[str, int], plan: VerdictPlan, say: Callable[[str], None]
) -> Counter[Action]:
    """Answer every pending prediction; returns how often each action was taken.

    Args:
        reviewer: a signed-in reviewer.
        truth: the true code by prediction id, in the order of ``plan``'s numbers.
        plan: who is rejected.
        say: hears of progress.
    """
    numbers = {prediction_id: number for number, prediction_id in enumerate(truth)}
    queue = [prediction for prediction in reviewer.every_prediction(status="pending") if prediction.id in numbers]
    told = _Counter(len(queue), "suggestions answered", say)

    def answer(prediction: Prediction) -> Action:
        true = truth[prediction.id]
        action = plan.action(numbers[prediction.id], prediction.suggested_code, true)
        match action:
            case Action.REJECT:
                reviewer.reject(prediction.id, reason="cannot be told from text and photo")
            case Action.MODIFY:
                reviewer.modify(prediction.id, true)
                reviewer.validate(prediction.id)
            case Action.VALIDATE_WITH_CODE:
                reviewer.validate(prediction.id, prdtypecode=true)
            case Action.VALIDATE:
                reviewer.validate(prediction.id)
        told.one_more()
        return action

    with ThreadPoolExecutor(_THREADS) as pool:
        return Counter(pool.map(answer, queue))


class _Counter:
    """Counts across threads and tells now and then."""

    def __init__(self, goal: int, what: str, say: Callable[[str], None]) -> None:
        self._goal = goal
        self._what = what
        self._say = say
        self._count = 0
        self._lock = threading.Lock()

    def one_more(self) -> None:
        with self._lock:
            self._count += 1
            if self._count % _TELL_EVERY == 0 or self._count == self._goal:
                self._say(f"{self._count} of {self._goal} {self._what}")
