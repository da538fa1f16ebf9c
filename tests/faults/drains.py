"""SIGTERM to the real service while clients never pause: whoever was let in is answered.

Some clients keep their connection, some open one for every request. From the moment that a connection is made, a
request without a whole answer is a violation; only a connection that is not made is none. The flawed version, which
ends as its server does by itself, must be caught.
"""

import http.client
import itertools
import random
import signal
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.faults.api_process import Api, warm_nursery
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.shopfront import Person, Shopfront, open_shopfront

MUTANT = "abrupt_end"
_DRAINS = {"short": 3, "full": 50}
_HUNTS = 3  # drains of the flawed version: the first harms whoever has asked nothing yet, unless it is late
_WAIT_S = 30.0
_CLIENTS = 6
_THINK_S = 0.05  # longest pause of a client that keeps its connection
_LATE_S = 0.3  # from the signal to the first request of somebody who was let in before it; the server looks every 0.1 s


def run(plan: Plan, say: Progress) -> Tally:
    """Drain again and again; then hunt the flawed version."""
    tally, told = Tally(), Counter[str]()
    with warm_nursery() as nursery, open_shopfront(plan.folder / "shop") as front:
        api = Api(nursery, front.settings, plan.folder / "logs")
        for number in range(_DRAINS[plan.scale]):
            crowd = _drain(plan, front, api, number)
            tally += Tally(faults=1, violations=[f"drain {number}: {one}" for one in crowd.failures])
            told += crowd.told
            if number % 10 == 9:
                say(f"{number + 1} drains, {told.total()} answers, {len(tally.violations)} failed requests")
        tally.mutants[MUTANT] = _hunt(plan, front, api)
        say(f"mutant {MUTANT}: {tally.mutants[MUTANT] or 'SURVIVED'}")
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(told.items()))
    tally.notes.append(
        f"drains: {tally.faults} under load, {answers}, {len(tally.violations)} accepted requests failed"
    )
    say(tally.notes[-1])
    return tally


def _hunt(plan: Plan, front: Shopfront, api: Api) -> str | None:
    for number in range(_HUNTS):
        crowd = _drain(plan, front, api, number, flaw=f"tests.faults.mutants.{MUTANT}")
        if crowd.failures:
            return crowd.failures[0]
    return None


def _drain(plan: Plan, front: Shopfront, api: Api, number: int, flaw: str | None = None) -> "_Crowd":
    """Start the service, stop it while clients are busy, and wait until all have found it gone."""
    rng = plan.random("drain", number, flaw)
    crowd = _Crowd(api.port, list(front.people.values()))
    process = api.start(prepare=flaw)
    try:
        api.wait_until_ready(process)
        crowd.start(rng)
        guest = crowd.let_in()
        time.sleep(rng.uniform(0.2, 0.8))
        process.send(signal.SIGTERM)
        time.sleep(_LATE_S)
        crowd.ask_late(guest)
        if not process.wait(_WAIT_S):
            crowd.failures.append(f"the service did not end within {_WAIT_S} s")
    finally:
        process.kill()
    crowd.join()
    return crowd


@dataclass
class _Crowd:
    """Clients that ask until nobody lets them in any more.

    Attributes:
        told: how often each status was answered.
        failures: requests that were sent on a connection and have no whole answer, and answers that are no success.
    """

    port: int
    people: list[Person]
    told: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, rng: random.Random) -> None:
        """Send everybody in: two of three keep their connection."""
        for number, person in zip(range(_CLIENTS), itertools.cycle(self.people), strict=False):
            work = self._ask_on_new_ones if number % 3 == 2 else self._ask_on_one
            seeded = random.Random(rng.random())
            self._threads.append(threading.Thread(target=work, args=(person, seeded), daemon=True))
        for thread in self._threads:
            thread.start()

    def let_in(self) -> http.client.HTTPConnection:
        """Somebody who is connected and has asked nothing yet."""
        guest = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WAIT_S)
        guest.connect()
        return guest

    def ask_late(self, guest: http.client.HTTPConnection) -> None:
        """Have them ask for the first time. Whoever ends abruptly has hung up on them by now."""
        try:
            guest.request("GET", "/classes", headers={"Authorization": f"Bearer {self.people[0].token}"})
            status = guest.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"who was let in before the signal: {type(error).__name__}: {error}")
        else:
            self.told[str(status)] += 1
        finally:
            guest.close()

    def join(self) -> None:
        """Wait until all have left."""
        for thread in self._threads:
            thread.join(_WAIT_S)
            if thread.is_alive():
                self.failures.append("a client still waits for its answer")

    def _ask_on_one(self, person: Person, rng: random.Random) -> None:
        with self._client(person) as client:
            while self._predict(client, person):
                time.sleep(rng.uniform(0, _THINK_S))

    def _ask_on_new_ones(self, person: Person, rng: random.Random) -> None:
        asks = True
        while asks:
            with self._client(person) as client:
                asks = self._predict(client, person)

    def _client(self, person: Person) -> httpx.Client:
        bearer = {"Authorization": f"Bearer {person.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=bearer, timeout=_WAIT_S)

    def _predict(self, client: httpx.Client, person: Person) -> bool:
        """Whether the service let it in."""
        try:
            answer = client.post("/predict", files={"designation": (None, "a table lamp")})
        except httpx.ConnectError:
            return False
        except httpx.TransportError as error:
            self.failures.append(f"{person.name}: {type(error).__name__}: {error}")
            return self._still_listens()
        self.told[str(answer.status_code)] += 1
        if answer.status_code != 201:
            self.failures.append(f"{person.name}: {answer.status_code} {answer.text[:200]}")
        return True

    def _still_listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(_WAIT_S)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
