"""Everybody at work at once: people at the service, and the loop that takes their verdicts into the store."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx
from sqlalchemy.exc import OperationalError

from core.errors import Conflict
from preprocessing.ingest.append import Appended, append
from tests.faults.attempts import Attempts
from tests.faults.shopfront import Shopfront
from tests.faults.staff import ADMIN, REVIEWER, SELLER, Clerk, Unserved
from tests.integration.ingest.shop import Shop

ROTA: Mapping[str, Mapping[str, int]] = {
    "carla": SELLER,
    "karim": SELLER,
    "remy": REVIEWER,
    "rita": REVIEWER,
    "tom": REVIEWER,
    "ada": ADMIN,
}
"""Who does what."""


def clerks_of(
    front: Shopfront,
    url: str,
    attempts: Attempts,
    rng: random.Random,
    name: str,
    network: Callable[[random.Random], httpx.BaseTransport] | None = None,
) -> list[Clerk]:
    """A clerk for everybody, whose tags begin with ``name``; over a bad network some decisions carry no key."""
    clerks = []
    for who in ROTA:
        own = random.Random(rng.random())
        bad = {} if network is None else {"network": network(own), "keyed": 0.6}
        clerks.append(Clerk(front.people[who], url, attempts, own, f"{name}.{who}", **bad))
    return clerks


@contextmanager
def people_at_work(
    clerks: list[Clerk], emphasis: Mapping[str, int], most: int, *, patient: bool = False
) -> Iterator[list[threading.Thread]]:
    """Let every clerk do ``most`` things in a thread of its own; who leaves the block makes sure that they can end.

    Args:
        clerks: they hang up in the end.
        emphasis: weights that replace the usual ones, where the action is among a clerk's.
        most: things that each does.
        patient: whether they go on where no answer comes.
    """
    threads = []
    for clerk in clerks:
        habits = ROTA[clerk.who.name]
        mine = {**habits, **{action: weight for action, weight in emphasis.items() if action in habits}}
        threads.append(threading.Thread(target=clerk.work, args=(mine, most), kwargs={"patient": patient}, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.join()
        for clerk in clerks:
            clerk.close()


@contextmanager
def loop_at_work(shop: Shop, name: str, every_s: float = 0.2) -> Iterator[None]:
    """Bring verdicts into the store in the background, a batch now and then."""
    stopping = threading.Event()
    thread = threading.Thread(target=_ingest, args=(shop, name, every_s, stopping), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _ingest(shop: Shop, name: str, every_s: float, stopping: threading.Event) -> None:
    number = 0
    while not stopping.wait(every_s):
        number += 1
        append_batch(shop, f"{name}-{number}")


def append_batch(shop: Shop, run_key: str) -> Appended | None:
    """One batch; what somebody disturbed, or kept waiting too long, the next run does, as with the DAG."""
    try:
        return append(shop.sessions, shop.store, run_key=run_key)
    except (Conflict, OperationalError):
        return None


def send_again(clerks: list[Clerk], attempts: Attempts, share: float, rng: random.Random) -> None:
    """Send requests that nobody heard of once more, under their name; the rest stays open.

    Raises:
        Unserved: the service is gone.
    """
    by_account = {clerk.who.id: clerk for clerk in clerks}
    for attempt in attempts.unknown():
        if attempt.keyed and rng.random() < share:
            by_account[attempt.who.id].send(attempt)


def answer_open_questions(clerks: list[Clerk], attempts: Attempts, share: float, rng: random.Random) -> bool:
    """``send_again`` as long as the service is there; whether it still is."""
    try:
        send_again(clerks, attempts, share, rng)
    except Unserved:
        return False
    return True
