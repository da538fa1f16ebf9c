"""Killed jobs, killed task supervisors and killed schedulers of the real Airflow lose and double nothing.

The DAG is the real one, its append is the real job on a real store; the trainings are stood in for. Only at full
scale: Airflow alone takes half a minute to start.
"""

import contextlib
import random
import subprocess
import sys
import time

import psutil

from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.judging import judge
from tests.faults.orchestra import Orchestra, kill, open_orchestra
from tests.faults.running import ROOT
from tests.faults.workload import Reviewers, build, open_copy
from tests.integration.ingest.shop import Shop

FAILPOINTS = (
    "claim.frozen",
    "append.claimed",
    "segment.images",
    "segment.visible",
    "manifest.built",
    "once.linked",
    "manifest.visible",
    "append.published",
    "append.marking",
    "append.marked",
    "training_csv.written",
)
SUPERVISOR, SCHEDULER, TRAINING, ANY = "task supervisor", "scheduler", "training job", "job at any moment"
_KINDS = ("failpoints", "failpoints", ANY, "failpoints", SCHEDULER, SUPERVISOR)
_KILLS = 50
_ROUND_S = 300.0
_DRAINS = 5  # runs without a fault after which nothing may wait


def run(plan: Plan, say: Progress) -> Tally:
    """Rounds of runs, each hurt in one way, until enough was killed; then drain and judge."""
    if not plan.full:
        return Tally(notes=["scheduler: killed at full scale only"])
    began = time.monotonic()
    shop = open_copy(build(plan.folder / "template"), plan.folder / "shop")
    tally, number = Tally(), 0
    with open_orchestra(plan, shop) as orchestra:
        say("Airflow is up")
        campaign = _Campaign(plan, shop, orchestra)
        while tally.kills < _KILLS and not tally.failed:
            tally += campaign.round(number)
            number += 1
            say(f"{number} rounds, {tally.kills} of {_KILLS} kills")
        tally += campaign.settle()
    seconds = time.monotonic() - began
    tries = len(orchestra.tries())
    tally.notes.append(
        f"scheduler: {tally.kills} kills, {2 * number} runs of the DAG, {tries} tries in {seconds:.0f} s"
    )
    return tally


class _Campaign:
    def __init__(self, plan: Plan, shop: Shop, orchestra: Orchestra) -> None:
        self._plan = plan
        self._shop = shop
        self._orchestra = orchestra
        self._reviewers = Reviewers(shop, plan.random("scheduler", "reviewers"))

    def round(self, number: int) -> Tally:
        """Labels, two runs at once and an append by hand; somebody is killed; wait until the runs are over."""
        rng, kind = self._plan.random("scheduler", number), _KINDS[number % len(_KINDS)]
        where = f"round {number}, {kind} (replay with seed {self._plan.seed})"
        tally, before = Tally(), self._orchestra.forget_hurts()
        self._reviewers.work(rng.randint(2, 5))
        if kind == "failpoints":
            self._plant_hurts(rng, tally)
        for which in ("a", "b"):
            self._orchestra.trigger(f"round-{number}-{which}")
        beside = [self._append_by_hand(f"by-hand-{number}")] if number % 3 == 2 else []
        tally += self._wait(kind, rng, where)
        for process in beside:
            process.wait(timeout=_ROUND_S)
        tally.kills += self._orchestra.forget_hurts() - before
        return tally + judge(self._shop, self._reviewers.journal, where, settled=False)

    def settle(self) -> Tally:
        """Runs without a fault until nothing waits; then everything is compared."""
        where = f"in the end (replay with seed {self._plan.seed})"
        tally = Tally()
        for number in range(_DRAINS):
            self._orchestra.trigger(f"settle-{number}")
            tally += self._wait("", random.Random(0), where)
            if not self._shop_waits():
                break
        tally += judge(self._shop, self._reviewers.journal, where, settled=True)
        tally.violations += [f"{where}: fsck: {violation}" for violation in self._shop.check()]
        return tally

    def _plant_hurts(self, rng: random.Random, tally: Tally) -> None:
        """Fates for the next tries, in the order of the protocol, because each try goes on where one was killed."""
        for point in sorted(rng.sample(FAILPOINTS, 6), key=FAILPOINTS.index):
            self._orchestra.hurt("ingest", f"{point}:1:kill")
            tally.kill_points.add(point)
        for _ in range(2):
            self._orchestra.hurt("training", "kill")
        tally.kill_points.add(TRAINING)

    def _append_by_hand(self, run_key: str) -> subprocess.Popen[bytes]:
        """Somebody runs the same job beside the scheduler."""
        command = [sys.executable, "-m", "preprocessing.ingest", "append", "--run-key", run_key, "--if-due"]
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=ROOT, env=self._orchestra.environment, stdout=nothing, stderr=nothing)

    def _wait(self, kind: str, rng: random.Random, where: str) -> Tally:
        """Until no run is left, killing what this round is about now and then."""
        tally, deadline = Tally(), time.monotonic() + _ROUND_S
        more = 3 if kind else 0
        left, strike_at = rng.randint(2, 3), time.monotonic() + rng.uniform(2.0, 6.0)
        while self._orchestra.unfinished():
            if time.monotonic() > deadline:
                tally.violations.append(f"{where}: stuck: runs {self._orchestra.unfinished()} do not end")
                tally.stuck += 1
                break
            if more and rng.random() < 0.1:
                self._reviewers.work(2)  # something for the second run, whatever the first one took
                more -= 1
            if left and time.monotonic() > strike_at and kill(self._victim(kind)):
                tally += Tally(kills=1, kill_points={kind})
                left, strike_at = left - 1, time.monotonic() + rng.uniform(1.0, 8.0)
            time.sleep(rng.uniform(0.05, 0.4))
        return tally

    def _victim(self, kind: str) -> psutil.Process | None:
        if kind == SCHEDULER:
            return self._orchestra.scheduler()
        job = self._orchestra.job() if kind in (ANY, SUPERVISOR) else None
        if job is None:
            return None
        with contextlib.suppress(psutil.NoSuchProcess):
            return self._orchestra.supervisor_of(job) if kind == SUPERVISOR else job
        return None

    def _shop_waits(self) -> bool:
        return judge(self._shop, self._reviewers.journal, "", settled=True).stuck > 0
