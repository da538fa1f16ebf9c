"""One real service through releases, rollbacks, poisoned packages and shutdowns while clients never pause.

No request fails, every answer comes from the release that its epoch is in the ledger, and a request that was begun
when the service is told to stop is answered.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from core.db.repositories import promotions
from core.registry.packages import open_package, write_package
from inference.golden_products import GOLDEN, GoldenProducts, read_golden, write_golden
from tests.faults.api_process import Api, reap, warm_nursery
from tests.faults.attempts import Attempts, Outcome
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.record_judging import RecordJudge
from tests.faults.shift import clerks_of, people_at_work
from tests.faults.shopfront import Person, Shopfront, open_shopfront, release

_TURNS = {"short": 2, "full": 15}
_STOPS = {"short": 1, "full": 6}
_WAIT_S = 30.0
_MOST = 10_000  # things that everybody would do if nobody stopped the service
_BETWEEN_S = 0.15  # so that clients are answered by every release
_CUSTOMERS = ("carla", "karim", "remy")


def serve_through_releases(plan: Plan, say: Progress) -> Tally:
    """Move the release under load, then stop the service under load."""
    tally = Tally()
    with warm_nursery() as nursery:
        with open_shopfront(plan.folder / "releases") as front:
            tally += _move_under_load(plan, front, Api(nursery, front.settings, plan.folder / "releases" / "logs"))
        say(tally.notes[-1])
        with open_shopfront(plan.folder / "stops") as front:
            api, attempts = Api(nursery, front.settings, plan.folder / "stops" / "logs"), Attempts()
            for number in range(_STOPS[plan.scale]):
                tally += _stop_under_load(plan, front, api, attempts, number)
                say(tally.notes[-1])
    return tally


@dataclass(slots=True)
class _Crowd:
    """Clients that predict without a pause.

    Attributes:
        answers: (client, epoch, package) of each answer, in its client's order.
        failures: every answer that is not 201, and every request without one.
    """

    url: str
    people: list[Person]
    answers: list[tuple[str, int, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def predicting(self) -> Iterator[None]:
        """Predict in as many threads as there are people until the end of the block."""
        stopping = threading.Event()
        threads = [threading.Thread(target=self._predict, args=(one, stopping), daemon=True) for one in self.people]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join()

    def _predict(self, person: Person, stopping: threading.Event) -> None:
        with httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {person.token}"}, timeout=_WAIT_S
        ) as http:
            while not stopping.is_set():
                try:
                    answer = http.post("/predict", files={"designation": (None, "a table lamp")})
                except httpx.TransportError as error:
                    self.failures.append(f"{person.name}: {type(error).__name__}: {error}")
                    continue
                if answer.status_code != 201:
                    self.failures.append(f"{person.name}: {answer.status_code} {answer.text[:200]}")
                    continue
                model = answer.json()["model"]
                self.answers.append((person.name, model["epoch"], model["version"]))


def _move_under_load(plan: Plan, front: Shopfront, api: Api) -> Tally:
    crowd, tally = _Crowd(api.url, [front.people[name] for name in _CUSTOMERS]), Tally()
    process = api.start()
    try:
        api.wait_until_ready(process)
        with crowd.predicting():
            for turn in range(_TURNS[plan.scale]):
                tally += _turn(front, api, turn)
    finally:
        process.kill()
    return tally + _judge_crowd(crowd, _ledger(front))


def _turn(front: Shopfront, api: Api, turn: int) -> Tally:
    """A sound release, a poisoned one that is refused, a rollback, and the first package again."""
    packages, tally = front.shop.store.packages, Tally(faults=1)
    sound = release(front.shop, _variant(packages, front.package, f"sound {turn}"))
    _expect(api, tally, served=sound, refused=None)
    time.sleep(_BETWEEN_S)
    poisoned = release(front.shop, _poisoned(packages, front.package, turn))
    _expect(api, tally, served=sound, refused=poisoned)
    time.sleep(_BETWEEN_S)
    _expect(api, tally, served=_roll_back(front), refused=None)
    _expect(api, tally, served=release(front.shop, front.package), refused=None)
    return tally


def _judge_crowd(crowd: _Crowd, ledger: Mapping[int, str]) -> Tally:
    tally = Tally(violations=list(crowd.failures))
    for name, epoch, version in crowd.answers:
        if ledger.get(epoch) != version:
            tally.violations.append(f"I6: {name} was answered by {version} as epoch {epoch}: {ledger.get(epoch)}")
    for name in _CUSTOMERS:
        epochs = [epoch for who, epoch, _ in crowd.answers if who == name]
        if epochs != sorted(epochs):
            tally.violations.append(f"I6: {name} was answered by an older epoch after a newer one")
    answered = len({epoch for _, epoch, _ in crowd.answers})
    answers = f"{len(crowd.answers)} answers by {answered} of them, {len(crowd.failures)} requests failed"
    tally.notes.append(f"releases under load: {len(ledger)} epochs, {answers}")
    return tally


def _expect(api: Api, tally: Tally, *, served: int, refused: int | None) -> None:
    """Wait until the service serves and refuses these epochs."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        state = httpx.get(f"{api.url}/readyz", timeout=_WAIT_S).json()
        if (state["epoch"], state["refused_epoch"]) == (served, refused):
            return
        time.sleep(0.02)
    tally.violations.append(f"expected epoch {served} served and {refused} refused: {state}")


def _variant(packages: Path, sha: str, what: str) -> str:
    """The same model under another sha."""
    package = open_package(packages, sha)
    golden = package.file(GOLDEN).read_bytes()
    spec = {**package.spec, "variant": what}
    written = write_package(
        packages, kind=package.kind, spec=spec, arrays=package.arrays(), extra_files={GOLDEN: golden}
    )
    return written.sha


def _poisoned(packages: Path, sha: str, turn: int) -> str:
    """A package that must never be served: of wrong golden answers, or with a byte that changed since."""
    package = open_package(packages, sha)
    if turn % 2 == 0:
        golden = read_golden(package.file(GOLDEN))
        wrong = GoldenProducts(golden.products, np.roll(golden.probabilities, 1, axis=1))
        spec = {**package.spec, "variant": f"poisoned {turn}"}
        extra = {GOLDEN: write_golden(wrong)}
        return write_package(packages, kind=package.kind, spec=spec, arrays=package.arrays(), extra_files=extra).sha
    changed = _variant(packages, sha, f"poisoned {turn}")
    path = packages / changed / "arrays.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    return changed


def _ledger(front: Shopfront) -> dict[int, str]:
    with front.shop.sessions() as session:
        return {row.epoch: row.models["fusion"] for row in promotions.history(session, limit=10_000)}


def _roll_back(front: Shopfront) -> int:
    """To what was served before; the new epoch."""
    with front.shop.sessions.begin() as session:
        now = promotions.current(session)
        assert now is not None
        return promotions.roll_back(session, expected_epoch=now.epoch, actor="campaign", reason="a campaign").epoch


def _stop_under_load(plan: Plan, front: Shopfront, api: Api, attempts: Attempts, number: int) -> Tally:
    """SIGTERM while people work: what was begun is answered, what has no answer was never begun."""
    where, rng, tally = f"stop {number} (replay with seed {plan.seed})", plan.random("stop", number), Tally(faults=1)
    known = len(attempts.all())
    process = api.start(by_exec=True)
    try:
        api.wait_until_ready(process)
        with people_at_work(clerks_of(front, api.url, attempts, rng, f"stop{number}"), {}, _MOST):
            time.sleep(rng.uniform(0.3, 1.0))
            process.send(signal.SIGTERM)
            if not process.wait(_WAIT_S):
                tally.violations.append(f"{where}: it did not stop within {_WAIT_S} s")
                process.kill()
    finally:
        process.kill()
        statuses = reap()
    if statuses not in ([0], [-signal.SIGTERM]):  # it drains, and then ends by the signal that it was sent
        tally.violations.append(f"{where}: exit status {statuses}: {api.tail()}")
    late = attempts.unknown()
    for attempt in late:
        attempt.outcome = Outcome.REFUSED  # the judge wants to see nothing of it
    sent = attempts.all()[known:]
    tally.violations += [f"{where}: failed: {one}" for one in sent if one.status is not None and one.status >= 500]
    tally.notes.append(f"stop under load: {len(sent)} requests, {len(late)} came too late and left nothing")
    return tally + RecordJudge(front, attempts, where).judge()
