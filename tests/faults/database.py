"""MariaDB killed, hung and restarted under the real service and the real ingest job.

People go on working through the outage. The service lives on: it answers 503 with Retry-After while the database is
away, and works again when it is back. Every second outage meets a commit: the service is held just before it. A 503
may hide a commit, so requests that were answered so are asked again under their name; then the database is compared
with what everybody was told. In the end the loop drains and the training view is compared as well.
"""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import mariadb
from tests.faults.api_process import Api, warm_nursery
from tests.faults.attempts import Attempts
from tests.faults.campaign import NotRun, Plan, Progress, Tally
from tests.faults.record_judging import RecordJudge
from tests.faults.running import Nursery, Running, small_environment
from tests.faults.shift import ROTA, answer_open_questions, append_batch, people_at_work
from tests.faults.shopfront import Shopfront, open_shopfront
from tests.faults.staff import Clerk

_ROUNDS = {"short": 6, "full": 60}
_MOST = 14  # things that everybody does in a round
_SETTLE_ROUNDS = 20
_JOB_S = 60.0  # a job that takes longer hangs
# Shorter than in production, so that a silent server is given up within a test.
_PATIENCE = {"DB_LOCK_TIMEOUT_S": "1", "DB_ANSWER_TIMEOUT_S": "2"}


def _kill(server: mariadb.Server, rng: random.Random) -> int:
    server.kill()
    time.sleep(rng.uniform(0.0, 0.6))
    server.start()
    return 1


def _kill_twice(server: mariadb.Server, rng: random.Random) -> int:
    return _kill(server, rng) + _kill(server, rng)


def _hang(server: mariadb.Server, rng: random.Random) -> int:
    """Sometimes for less than anybody's patience, sometimes for more."""
    server.hang()
    time.sleep(rng.uniform(0.2, 3.5))
    server.resume()
    return 0


def _hang_and_kill(server: mariadb.Server, rng: random.Random) -> int:
    server.hang()
    time.sleep(rng.uniform(0.2, 2.5))
    return _kill(server, rng)


def _restart(server: mariadb.Server, rng: random.Random) -> int:
    server.restart()
    return 0


FAULTS: dict[str, Callable[[mariadb.Server, random.Random], int]] = {
    "killed": _kill,
    "hung": _hang,
    "restarted": _restart,
    "hung, then killed": _hang_and_kill,
    "killed, and again while it comes back": _kill_twice,
}
"""What happens to the server; each leaves it running and returns how often it was killed."""

BEFORE_COMMIT = ("predict.staging", "verdict.moved", "verdict.recorded", "bulk.item")
"""Where the service is held while the server is killed or hung, so that a commit meets the outage."""


def run(plan: Plan, say: Progress) -> Tally:
    """One service, many outages."""
    if mariadb.program() is None:
        raise NotRun(mariadb.ADVICE)
    server, began = mariadb.Server(like_production=True), time.monotonic()
    try:
        with (
            warm_nursery() as services,
            Nursery("preprocessing.ingest.__main__") as jobs,
            open_shopfront(plan.folder / "shop", server.fresh().url) as front,
        ):
            api = Api(services, {**front.settings, **_PATIENCE}, plan.folder / "logs")
            campaign = _Campaign(plan, front, api, jobs, server)
            tally = campaign.run(say)
    finally:
        server.stop()
    tally.notes.append(f"database: {campaign.summary()} in {time.monotonic() - began:.0f} s")
    say(tally.notes[-1])
    return tally


class _Campaign:
    def __init__(self, plan: Plan, front: Shopfront, api: Api, jobs: Nursery, server: mariadb.Server) -> None:
        self._plan = plan
        self._front = front
        self._api = api
        self._jobs = jobs
        self._server = server
        self._attempts = Attempts()
        self._answers: Counter[int] = Counter()
        self._wrong: list[str] = []
        self._jobs_run = 0

    def run(self, say: Progress) -> Tally:
        tally = Tally()
        for number in range(_ROUNDS[self._plan.scale]):
            tally += self._round(number)
            if tally.failed:
                return tally
            if number % 10 == 9:
                say(f"{number + 1} of {_ROUNDS[self._plan.scale]} outages, {self.summary()}")
        return tally + self._settle()

    def summary(self) -> str:
        """How the service answered, and how many jobs ran."""
        answers = ", ".join(f"{count} times {status}" for status, count in sorted(self._answers.items()))
        return f"answers: {answers}; {self._jobs_run} jobs"

    def _round(self, number: int) -> Tally:
        """An outage while everybody works, and the reckoning after it."""
        rng = self._plan.random("database", number)
        name = list(FAULTS)[number // 2 % len(FAULTS)]
        point = rng.choice(BEFORE_COMMIT) if number % 2 else ""
        where = f"outage {number} ({name} {point}, replay with seed {self._plan.seed})"
        process = self._api.start(f"{point}:{rng.randint(1, 3)}:stop" if point else "")
        try:
            self._api.wait_until_ready(process)
            clerks = self._clerks(rng, f"r{number}")
            with self._ingest_at_work(number), people_at_work(clerks, {"bulk": 4}, _MOST, patient=True) as people:
                kills = self._strike(name, rng, process, people if point else None)
            tally = Tally(kills=kills, kill_points={f"database {name}"} if kills else set(), faults=int(not kills))
            tally.violations += [f"{where}: {wrong}" for wrong in self._reckon(rng, number, process)]
        finally:
            process.kill()
        return tally + RecordJudge(self._front, self._attempts, where).judge()

    def _strike(self, name: str, rng: random.Random, process: Running, people: list[threading.Thread] | None) -> int:
        """Hurt the server: at some moment, or (``people``) while the service is held in the middle of a transaction."""
        if people is None:
            time.sleep(rng.uniform(0.05, 0.8))
            return FAULTS[name](self._server, rng)
        while not _is_stopped(process) and any(person.is_alive() for person in people):
            time.sleep(0.01)
        if "killed" not in name:  # the service commits into the silence
            threading.Timer(0.1, process.send, (signal.SIGCONT,)).start()
            return _hang(self._server, rng)
        kills = FAULTS[name](self._server, rng)
        process.send(signal.SIGCONT)
        return kills

    def _reckon(self, rng: random.Random, number: int, process: Running) -> list[str]:
        """The outage is over: the service works again, and says what became of the requests that it had to give up."""
        if not self._api.wait_until_ready(process) or "request.failed" in self._api.tail():
            return [f"the service made a mistake: {self._api.tail()}"]
        again = self._clerks(rng, f"r{number}.again")
        answered = answer_open_questions(again, self._attempts, 0.8, rng)
        for clerk in again:
            clerk.close()
        return self._wrong + ([] if answered else ["the service did not answer after the outage"])

    def _settle(self) -> Tally:
        where = f"in the end (replay with seed {self._plan.seed})"
        for number in range(_SETTLE_ROUNDS):
            if append_batch(self._front.shop, f"settle-{number}") is None:
                break
        judge = RecordJudge(self._front, self._attempts, where)
        judge.judge()
        tally = judge.judge_view()
        tally.violations += [f"{where}: fsck: {violation}" for violation in self._front.shop.check()]
        return tally

    def _clerks(self, rng: random.Random, name: str) -> list[Clerk]:
        return [
            Clerk(
                self._front.people[who],
                self._api.url,
                self._attempts,
                random.Random(rng.random()),
                f"{name}.{who}",
                listen=self._hear,
            )
            for who in ROTA
        ]

    def _hear(self, answer: httpx.Response) -> None:
        """The service answers all the time; during an outage with 503 and when to come again."""
        self._answers[answer.status_code] += 1
        if answer.status_code == 503:
            if int(answer.headers.get("retry-after", "0")) < 1:
                self._wrong.append(f"503 without Retry-After for {answer.request.url}")
        elif answer.status_code >= 500:
            self._wrong.append(f"{answer.status_code} for {answer.request.method} {answer.request.url}")

    @contextmanager
    def _ingest_at_work(self, number: int) -> Iterator[None]:
        """One ingest job after the other, each a process; the ones that the outage hits may fail."""
        over = threading.Event()

        def ingest() -> None:
            while not over.is_set():
                self._jobs_run += 1
                log = self._plan.folder / "logs" / "ingest.log"
                job = self._jobs.fork(
                    small_environment(self._front.settings, _PATIENCE),
                    log,
                    ("append", "--run-key", f"outage-{number}-{self._jobs_run}"),
                )
                if not job.wait(_JOB_S):
                    job.kill()
                    self._wrong.append(f"an ingest job hung: {_tail(log)}")
                over.wait(0.1)

        thread = threading.Thread(target=ingest, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _is_stopped(process: Running) -> bool:
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1000:]
