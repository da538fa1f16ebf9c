"""Customers who ask about products all day long, take them back, and what they were answered."""

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from client import EtalonClient, ProblemError
from local.incoming import Incoming


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered request.

    Attributes:
        at: when it came (``time.perf_counter``).
        seconds: how long it took.
        epoch: the release that answered.
    """

    at: float
    seconds: float
    epoch: int


class Crowd:
    """Threads that predict one product after the other and erase it again; nobody asks twice, so what fails is seen.

    What they ask about is nobody's to review: the day's reviewers decide about the products that the day sends.

    Args:
        customer: a signed-in customer whose client sends every request once.
        products: sent over and over.
        clients: how many send at once.
        pause_s: of each client between two products.
    """

    def __init__(self, customer: EtalonClient, products: Sequence[Incoming], *, clients: int, pause_s: float) -> None:
        self.answers: list[Answer] = []
        self.failures: list[str] = []
        self._customer = customer
        self._products = itertools.cycle(products)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pause_s = pause_s
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(clients)]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                product = next(self._products)
            began = time.perf_counter()
            try:
                answer = self._customer.predict(product.designation, product.description, product.image)
                now = time.perf_counter()
                self._customer.delete(answer.id)
            except (ProblemError, httpx.HTTPError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            else:
                self.answers.append(Answer(now, now - began, answer.model.epoch))
            self._stop.wait(self._pause_s)

    def wait_for_epoch(self, epoch: int, timeout_s: float) -> Answer:
        """The first answer of a release.

        Raises:
            TimeoutError: there was none in ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = next((answer for answer in list(self.answers) if answer.epoch == epoch), None)
            if found is not None:
                return found
            time.sleep(0.02)
        raise TimeoutError(f"epoch {epoch} did not answer within {timeout_s:.0f} s; {self.failures[:1]}")
