"""Asking about every product of a batch, a few at a time."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from client.answers import Prediction
from client.batch.results import Results
from client.batch.sources import Product
from client.client import EtalonClient
from client.errors import ProblemError

_THE_PRODUCT_S = frozenset({400, 409, 413, 415, 422})  # refusals that say something about the one product
_TELL_EVERY_S = 1.0


class Stopped(Exception):
    """The batch ended early; what was answered is written down, and the same command goes on from there."""

    def __init__(self, why: Exception, tally: "Tally") -> None:
        super().__init__(f"stopped after {tally.asked} of {tally.products} products: {why}")
        self.tally = tally


@dataclass
class Tally:
    """How far a batch is."""

    products: int
    answered: int = 0
    refused: int = 0
    skipped: int = 0  # had their line from an earlier run

    @property
    def asked(self) -> int:
        """How many are over."""
        return self.answered + self.refused + self.skipped


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one product: an answer, the code of a refusal, or neither where its line was there."""

    product: Product
    key: str
    prediction: Prediction | None = None
    refusal: str | None = None


def predict_all(
    client: EtalonClient,
    products: Sequence[Product],
    results: Results,
    *,
    model: str | None = None,
    top_k: int | None = None,
    workers: int = 4,
    tell: Callable[[str], None] = lambda line: None,
) -> Tally:
    """Ask about every product that has no line in ``results`` yet; lines are in the order of the products.

    A product that the service refuses, or whose photo cannot be read, gets a line that says so; anything else that
    goes wrong ends the batch.

    Raises:
        Stopped: the service is not there, does not take the credentials, or stays too busy.
    """
    tally = Tally(len(products))
    progress = _Progress(tally, tell)

    def ask(product: Product) -> _Outcome:
        return _ask(client, product, results, model, top_k)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for outcome in _in_order(pool, ask, products, ahead=4 * workers):
                _settle(outcome, results, tally)
                progress.tell_now_and_then()
        except (ProblemError, httpx.TransportError) as error:
            raise Stopped(error, tally) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            progress.tell_now()
    return tally


def _ask(client: EtalonClient, product: Product, results: Results, model: str | None, top_k: int | None) -> _Outcome:
    try:
        photo = product.read_photo()
    except OSError:
        return _Outcome(product, product.key(None, model), refusal="photo.unreadable")
    key = product.key(photo, model)
    if results.has(key):
        return _Outcome(product, key)
    try:
        prediction = client.predict(
            product.designation, product.description, photo, model=model, top_k=top_k, idempotency_key=key
        )
    except ProblemError as problem:
        if problem.status not in _THE_PRODUCT_S:
            raise
        return _Outcome(product, key, refusal=problem.code or f"HTTP {problem.status}")
    return _Outcome(product, key, prediction)


def _settle(outcome: _Outcome, results: Results, tally: Tally) -> None:
    if outcome.prediction is not None:
        results.answered(outcome.product, outcome.key, outcome.prediction)
        tally.answered += 1
    elif outcome.refusal is not None:
        if not results.has(outcome.key):
            results.refused(outcome.product, outcome.key, outcome.refusal)
        tally.refused += 1
    else:
        tally.skipped += 1


def _in_order(
    pool: ThreadPoolExecutor, ask: Callable[[Product], _Outcome], products: Sequence[Product], *, ahead: int
) -> Iterator[_Outcome]:
    """Outcomes in the order of the products; at most ``ahead`` products are under way, so memory stays flat."""
    under_way: deque[Future[_Outcome]] = deque()
    for product in products:
        under_way.append(pool.submit(ask, product))
        if len(under_way) >= ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


class _Progress:
    """Tells how far it is, how fast, and how long it may take."""

    def __init__(self, tally: Tally, tell: Callable[[str], None]) -> None:
        self._tally = tally
        self._tell = tell
        self._began = self._told = time.monotonic()

    def tell_now_and_then(self) -> None:
        """Tell, unless that was a moment ago."""
        if time.monotonic() - self._told >= _TELL_EVERY_S:
            self.tell_now()

    def tell_now(self) -> None:
        """Tell."""
        self._told = time.monotonic()
        tally, took_s = self._tally, self._told - self._began
        rate = (tally.answered + tally.refused) / took_s if took_s > 0 else 0.0
        left = (tally.products - tally.asked) / rate if rate > 0 else None
        said = [f"{tally.asked} of {tally.products} products"]
        said += [f"{tally.refused} refused"] if tally.refused else []
        said += [f"{rate:.1f} a second"] if rate else []
        said += [f"about {left:.0f} s left"] if left else []
        self._tell(", ".join(said))
