"""SIGKILL to the real service at every failpoint of its requests and at random moments, under concurrent clients.

After each kill the database is compared with what the clients were told; requests that nobody heard of are sent
again under the same name. In the end the loop drains and the training view is compared as well.
"""

import random
import threading
import time

from tests.faults.api_process import Api, reap, warm_nursery
from tests.faults.attempts import Attempts
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.record_judging import RecordJudge
from tests.faults.running import Running
from tests.faults.shift import answer_open_questions, append_batch, clerks_of, loop_at_work, people_at_work
from tests.faults.shopfront import Shopfront, open_shopfront
from tests.faults.staff import Clerk

POINTS: dict[str, dict[str, int]] = {
    "photo.stored": {},
    "predict.staging": {},
    "predict.staged": {},
    "verdict.moved": {},
    "verdict.recorded": {},
    "verdict.committed": {},
    "bulk.item": {"bulk": 8},
    "retraction.chunk": {"take_back": 4},
}
"""Failpoints of the service's requests, each with what people do more often where it is to be reached."""
_LATEST = {"retraction.chunk": 2}
"""Where a process hardly comes more often in a round."""
RANDOM = "any moment"
_KILLS = {"short": 10, "full": 216}
_SEND_AGAIN = 0.7  # share of the unheard requests that somebody sends again
_MOST = 60  # things one clerk does before a round ends without its failpoint
_SETTLE_ROUNDS = 20  # batches after which everything that waited must be in the store


def run(plan: Plan, say: Progress) -> Tally:
    """Kill, judge, start again; then drain and judge the training view."""
    tally = Tally()
    began = time.monotonic()
    with warm_nursery() as nursery, open_shopfront(plan.folder / "shop") as front:
        campaign = _Campaign(plan, front, Api(nursery, front.settings, plan.folder / "logs"))
        kills = _KILLS[plan.scale]
        for number in range(kills):
            tally += campaign.round(number)
            if tally.failed:
                break
            if number % 20 == 19:
                say(f"{number + 1} of {kills} kills, {campaign.summary()}")
        tally += campaign.settle()
    tally.notes.append(f"service: {tally.kills} kills in {time.monotonic() - began:.0f} s, {campaign.summary()}")
    say(tally.notes[-1])
    return tally


class _Campaign:
    def __init__(self, plan: Plan, front: Shopfront, api: Api) -> None:
        self._plan = plan
        self._front = front
        self._api = api
        self._attempts = Attempts()

    def round(self, number: int) -> Tally:
        """Start the service, let people work until it is killed, and judge."""
        rng = self._plan.random("service", number)
        point = [*POINTS, RANDOM][number % (len(POINTS) + 1)]
        failpoint = "" if point == RANDOM else f"{point}:{rng.randint(1, _LATEST.get(point, 4))}:kill"
        where = f"round {number} ({failpoint or RANDOM}, replay with seed {self._plan.seed})"
        process = self._api.start(failpoint, by_exec=number % 12 == 11)
        try:
            died_alone = self._work_until_dead(process, point, rng, number)
        finally:
            process.kill()
            reap()
        return self._inspect(point if died_alone else RANDOM, where) + self._judge(where).judge()

    def settle(self) -> Tally:
        """Answer every open question, drain the loop, and judge everything."""
        where = f"in the end (replay with seed {self._plan.seed})"
        rng = self._plan.random("service", "settle")
        process = self._api.start()
        try:
            self._api.wait_until_ready(process)
            clerks = self._clerks(rng, "settle")
            answer_open_questions(clerks, self._attempts, 1.0, rng)
            _hang_up(clerks)
        finally:
            process.kill()
        tally = self._inspect(RANDOM, where) + self._judge(where).judge()
        for number in range(_SETTLE_ROUNDS):
            if append_batch(self._front.shop, f"settle-{number}") is None:
                break
        tally += self._judge(where).judge_view()
        tally.violations += [f"{where}: fsck: {violation}" for violation in self._front.shop.check()]
        return tally

    def summary(self) -> str:
        """How many requests there were and what was known of them."""
        outcomes: dict[str, int] = {}
        for attempt in self._attempts.all():
            outcomes[attempt.outcome] = outcomes.get(attempt.outcome, 0) + 1
        return ", ".join(f"{count} requests {outcome}" for outcome, count in sorted(outcomes.items()))

    def _work_until_dead(self, process: Running, point: str, rng: random.Random, number: int) -> bool:
        """Whether the service died at its failpoint; otherwise somebody has killed it or shall now."""
        if point == RANDOM and rng.random() < 0.1:
            return process.wait(rng.uniform(0.0, 0.5))  # while it starts
        if not self._api.wait_until_ready(process):
            return True
        clerks = self._clerks(rng, f"r{number}")
        if not answer_open_questions(clerks, self._attempts, _SEND_AGAIN, rng):
            _hang_up(clerks)
            return process.wait(5.0)
        with (
            loop_at_work(self._front.shop, f"r{number}"),
            people_at_work(clerks, POINTS.get(point, {}), _MOST) as people,
        ):
            alone = process.wait(rng.uniform(0.05, 1.0)) if point == RANDOM else _outlives(people, process)
            process.kill()
        return alone

    def _inspect(self, point: str, where: str) -> Tally:
        """What the dead process left behind besides the database."""
        tally = Tally(kill_points={point}, kills=1)
        reached, tail = self._api.reached(), self._api.tail()
        if point != RANDOM and point not in reached:
            tally.violations.append(f"{where}: the service died by itself: {tail}")
        if "request.failed" in tail:
            tally.violations.append(f"{where}: the service made a mistake: {tail}")
        with self._plan.failpoint_log.open("a", encoding="utf-8") as log:
            log.writelines(f"{name}\n" for name in reached)
        return tally

    def _clerks(self, rng: random.Random, name: str) -> list[Clerk]:
        return clerks_of(self._front, self._api.url, self._attempts, rng, name)

    def _judge(self, where: str) -> RecordJudge:
        return RecordJudge(self._front, self._attempts, where)


def _outlives(people: list[threading.Thread], process: Running) -> bool:
    """Whether the process ends before everybody has done their work."""
    while any(person.is_alive() for person in people):
        if process.wait(0.02):
            return True
    return process.is_dead


def _hang_up(clerks: list[Clerk]) -> None:
    for clerk in clerks:
        clerk.close()
