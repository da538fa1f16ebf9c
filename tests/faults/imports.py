"""The import of a catalogue killed at each of its steps: run again, it makes the same base."""

import itertools
import shutil
from collections import Counter

from preprocessing.ingest import __main__ as ingest
from tests.faults import workload
from tests.faults.campaign import Plan, Tally
from tests.faults.jobs import Ended, Job
from tests.faults.judging import judge
from tests.faults.workload import Journal
from tests.integration.ingest.shop import Shop


class ImportEpisode:
    """One empty shop after the other; in each the import dies once or more, and is run again."""

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._rng = plan.random(name)
        self._tally = Tally()
        self._folder = plan.folder / name
        self._empty = workload.build_empty(self._folder / "empty")
        self._reached = self._rehearse()

    def run(self, kills: int) -> Tally:
        """Let the import die about ``kills`` times."""
        targets = itertools.cycle(self._rng.sample(sorted(self._reached), len(self._reached)))
        for number in range(2 * kills):
            shop = workload.open_copy(self._empty, self._folder / f"shop-{number}")
            for _ in range(self._rng.choice((1, 1, 2))):
                self._die_at(shop, next(targets))
            self._finish(shop)
            if self._tally.failed or self._tally.kills >= kills:
                break
            shutil.rmtree(shop.folder)
        if not self._tally.failed:
            shutil.rmtree(self._folder)
        return self._tally

    def _rehearse(self) -> Counter[str]:
        """How often an undisturbed import reaches which failpoint."""
        shop = workload.open_copy(self._empty, self._folder / "rehearsal")
        log = self._folder / "rehearsal.log"
        self._import(shop, log=str(log))
        shutil.rmtree(shop.folder)
        return Counter(log.read_text(encoding="utf-8").split())

    def _die_at(self, shop: Shop, name: str) -> None:
        nth = self._rng.randint(1, self._reached[name])
        ended = self._import(shop, fault=f"{name}:{nth}:{self._rng.choice(('kill', 'kill', 'torn'))}")
        if ended.killed:
            self._tally.kills += 1
            self._tally.kill_points.add(name)
        elif ended.status != 0:
            self._report(f"an import that nobody hurt failed: {ended.last_words}")

    def _finish(self, shop: Shop) -> None:
        """Import once more, and again: the base is there once, and fsck finds nothing."""
        for _ in range(2):
            ended = self._import(shop)
            if ended.status != 0:
                self._report(f"the next import failed: {ended.last_words}")
        where = f"{self._name} after {self._tally.kills} kills"
        self._tally += judge(shop, Journal(), where, settled=True)
        checked = self._start(shop, "fsck", "--full").wait()
        if checked.status != 0:
            self._report(f"fsck: {checked.out.strip() or checked.last_words}")

    def _import(self, shop: Shop, *, fault: str = "", log: str = "") -> Ended:
        return self._start(shop, "import", "--data", str(shop.folder / "catalogue"), fault=fault, log=log).wait()

    def _start(self, shop: Shop, *arguments: str, fault: str = "", log: str = "") -> Job:
        environment = {
            "DB_URL": f"sqlite:///{shop.folder}/etalon.db",
            "STORE_ROOT": str(shop.store.root),
            "ETALON_FAILPOINT": fault,
            "ETALON_FAILPOINT_LOG": log or str(self._plan.failpoint_log),
        }
        return Job(ingest.main, arguments, environment, shop.folder / "job")

    def _report(self, what: str) -> None:
        self._tally.violations.append(f"{self._name} after {self._tally.kills} kills: {what}")
