"""One shop in which people review while the ingest job runs and dies."""

import itertools
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from core.retraction import __main__ as retraction
from core.retraction import reviewer
from preprocessing.archive import __main__ as archive
from preprocessing.ingest import __main__ as ingest
from tests.faults import workload
from tests.faults.campaign import Plan, Tally
from tests.faults.jobs import Ended, Job, Under, as_command
from tests.faults.judging import judge, judge_archive
from tests.faults.workload import Reviewers

DONE, NOTHING_TO_DO = 0, ingest.NOTHING_TO_DO
_MOST_DRAINS = 12
_PEACEFUL_BATCHES = 2
_TARGETS_AN_EPISODE = 12
_OF_TAKE_BACK = ("verdict.moved", "verdict.recorded", "retraction.chunk")
_OF_ARCHIVE = ("archive.claimed", "archive.stored", "archive.removed", "file.written", "file.renamed")
_IN_TRANSACTION = ("claim.", "append.marking")
"""A job that stops at these holds the database's write lock: nobody else gets on until it wakes or dies."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What an undisturbed run showed.

    Attributes:
        template: a shop with an imported catalogue, to be copied.
        points: how often one append reaches each failpoint, of those it reaches.
        append_s: how long it takes, forked.
        command_s: how long it takes as a command, its interpreter's start included.
    """

    template: Path
    points: dict[str, int]
    append_s: float
    command_s: float


def rehearse(plan: Plan) -> Rehearsed:
    """Build the template, and walk once through everything an append can have to do."""
    template = workload.build(plan.folder / "template")
    episode = Episode(plan, "rehearsal", Rehearsed(template, {}, 0.0, 0.0))
    log = plan.folder / "rehearsal.log"
    took_s = []
    for command in (False, False, False, True):
        episode.reviewers.work(6)
        took_s.append(episode.append(log, command=command))
    episode.settle()
    episode.close()
    if episode.tally.failed:
        raise RuntimeError("the undisturbed run failed: " + "; ".join(episode.tally.violations))
    hits = Counter(log.read_text(encoding="utf-8").split())
    points = {name: max(1, count // len(took_s)) for name, count in hits.items()}
    return Rehearsed(template, points, append_s=took_s[-2], command_s=took_s[-1])


class Episode:
    """A shop, its reviewers, and what happened to it."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        rehearsed: Rehearsed,
        *,
        execute: bool = False,
        under: Under = nullcontext,
        labels_only: bool = False,
        flawed: bool = False,
    ) -> None:
        """Copy the template.

        Args:
            plan: the campaign's.
            name: of this episode; with the seed it says everything that happens in it.
            rehearsed: what an undisturbed run showed.
            execute: the jobs that are to die are commands of their own; those that tidy up are forked.
            under: what forked appends run under: it may swap a part of the product for a flawed one.
            labels_only: people accept labels and do nothing else.
            flawed: it is meant to go wrong: on until labels come to harm, and nothing is left behind as evidence.
        """
        self.name = name
        self.tally = Tally()
        self._plan = plan
        self._rng = plan.random(name)
        self._rehearsed = rehearsed
        self._execute = execute
        self._flawed = flawed
        self._under = under
        self._folder = plan.folder / name
        self.shop = workload.open_copy(rehearsed.template, self._folder)
        self.reviewers = Reviewers(self.shop, self._rng, labels_only=labels_only)
        self._jobs = itertools.count(1)
        self._targets = self._endless_targets()
        self._missed: list[str] = []
        self._append_s = rehearsed.append_s

    def run(self, kills: int) -> Tally:
        """Let the job work in peace, then hurt it until it died ``kills`` times; settle in between and at the end."""
        sequences = {
            self._kill: 8,
            self._kill_again: 3,
            self._kill_one_of_two: 3,
            self._stall: 2,
            self._kill_by_timer: 6,
            self._take_back: 0 if self.reviewers.labels_only else 1,
            self._archive: 0 if self.reviewers.labels_only else 2,
        }
        for _ in range(_PEACEFUL_BATCHES):
            self.reviewers.work(2)
            self._append_s = self.append()
        if not self.reviewers.labels_only:
            self._archive()
        for round_ in range(1, 4 * kills):
            self._rng.choices(list(sequences), list(sequences.values()))[0]()
            self.judge(settled=False)
            if round_ % 6 == 0:
                self.settle()
            if self.tally.kills >= kills or self._is_over:
                break
        self.settle()
        return self.close()

    @property
    def _is_over(self) -> bool:
        return bool(self.tally.harm) if self._flawed else self.tally.failed

    def close(self) -> Tally:
        """Tidy up, unless something went wrong: then the shop is evidence."""
        self.shop.engine.dispose()
        self.tally.actions.update(self.reviewers.journal.actions)
        self.tally.rows += self.reviewers.journal.ever_accepted()
        if not self.tally.failed or self._flawed:
            shutil.rmtree(self._folder)
        return self.tally

    def append(self, log: Path | None = None, *, command: bool = False) -> float:
        """One undisturbed append; returns how many seconds it took."""
        began = time.monotonic()
        self._expect_done(self.start(log=log, command=command).wait())
        return time.monotonic() - began

    # What is done to the job

    def _kill(self) -> None:
        self.reviewers.work(self._rng.randrange(3))
        self._die_at(self._next_target())

    def _kill_again(self) -> None:
        """Die, and die again in the recovery, before anything new arrives."""
        self._kill()
        self._die_at(self._next_target())
        self._die_at(self._next_target())

    def _kill_one_of_two(self) -> None:
        """Two jobs at once, sometimes of the same run; one dies while people go on reviewing."""
        self.reviewers.work(self._rng.randrange(3))
        key = f"{self.name} {next(self._jobs)}" if self._rng.random() < 0.5 else None
        target = self._next_target()
        dying, other = self.start(target, run_key=key), self.start(run_key=key)
        self.reviewers.work(1)
        self._note_death(dying.wait(), target)
        self._expect_done(other.wait())

    def _stall(self) -> None:
        """A job stops, others do its work and more, and it wakes up (or never does)."""
        self.reviewers.work(1)
        target = self._next_target()
        stalled = self.start(target, action="stop")
        ended = stalled.wait_for_stop()
        if ended is not None:
            self._expect_done(ended)
            return
        if not target.startswith(_IN_TRANSACTION):
            self._expect_done(self.start().wait())
            self.reviewers.work(1)
            self._expect_done(self.start().wait())
        if self._rng.random() < 0.6:
            stalled.wake()
            self._expect_done(stalled.wait())
        else:
            stalled.kill()
            self._note_death(stalled.wait(), target)

    def _kill_by_timer(self) -> None:
        self.reviewers.work(self._rng.randrange(3))
        job = self.start(command=self._execute)
        usual_s = self._rehearsed.command_s if self._execute else self._append_s
        time.sleep(self._rng.uniform(0.0, 1.1 * usual_s))
        job.kill()
        self._note_death(job.wait(), "")

    def _take_back(self) -> None:
        """A person's labels are taken back; the command dies, the loop goes on, and the command is run again."""
        self.reviewers.work(2)
        who = self._rng.choice(workload.REVIEWERS).username
        target = f"{self._rng.choice(_OF_TAKE_BACK)}:{self._rng.randint(1, 2)}"
        self._note_death(self._start_take_back(who, f"{target}:kill").wait(), target)
        self._die_at(self._next_target())
        self._expect_done(self._start_take_back(who).wait())
        self.reviewers.note_taken_back(who)

    def _archive(self) -> None:
        """Rejected products go into the archive and one comes out; the job dies, people go on, and it is run again."""
        self.reviewers.reject(self.reviewers.stage())
        self._expect_done(self._start_archive().wait())
        self.reviewers.erase(self.reviewers.journal.draw(self._rng, "rejected"))
        for _ in range(2):
            self.reviewers.reject(self.reviewers.stage())
        target = f"{self._rng.choice(_OF_ARCHIVE)}:{self._rng.randint(1, 2)}"
        self._note_death(self._start_archive(f"{target}:kill").wait(), target)
        self.reviewers.work(2)
        self._die_at(self._next_target())
        self._expect_done(self._start_archive().wait())

    def _die_at(self, target: str) -> None:
        action = "torn" if self._rng.random() < 0.2 else "kill"
        self._note_death(self.start(target, action=action).wait(), target)

    def _note_death(self, ended: Ended, target: str) -> None:
        """Count a death; a job that lived, because it never came to ``target``, must have done its work."""
        if not ended.killed:
            self._expect_done(ended)
            self._missed += [name for name in (target.partition(":")[0],) if name in self._rehearsed.points]
            return
        self.tally.kills += 1
        if target:
            self.tally.kill_points.add(target.partition(":")[0])

    def _expect_done(self, ended: Ended) -> None:
        if ended.status not in (DONE, NOTHING_TO_DO):
            self.report(f"a job that nobody hurt failed: {ended.last_words}")

    # What must hold

    def judge(self, *, settled: bool) -> None:
        """Compare the training view with the reviewers' journal."""
        where = f"{self.name} after {self.tally.kills} kills"
        found = judge(self.shop, self.reviewers.journal, where, settled=settled)
        found.rows = 0  # the same rows are judged many times, and counted once, at the end
        self.tally += found

    def settle(self) -> None:
        """Let the loop drain; then everything acknowledged has arrived and fsck finds nothing."""
        for _ in range(_MOST_DRAINS):
            ended = self.start().wait()
            self._expect_done(ended)
            if ended.status == NOTHING_TO_DO or self._is_over:
                break
        self._expect_done(self._start_archive().wait())
        self.judge(settled=True)
        self.tally += judge_archive(self.shop, self.reviewers.journal, f"{self.name} after {self.tally.kills} kills")
        self.check()

    def check(self) -> None:
        """fsck finds nothing."""
        checked = self.ask_fsck()
        if checked.status != 0:
            found = checked.out.splitlines()
            self.report(f"fsck: {found[0]} (and {len(found) - 2} more)" if found else f"fsck: {checked.last_words}")

    def ask_fsck(self) -> Ended:
        """What the whole check says."""
        return Job(ingest.main, ("fsck", "--full"), self._environment(), self._output()).wait()

    def report(self, what: str) -> None:
        """Write down what is wrong."""
        self.tally.violations.append(f"{self.name} after {self.tally.kills} kills: {what}")

    # How jobs are started

    def start(
        self,
        target: str = "",
        *,
        action: str = "kill",
        run_key: str | None = None,
        log: Path | None = None,
        command: bool = False,
        under: Under | None = None,
    ) -> Job:
        """Start an append that is to be hurt at ``target`` ("name:nth"; "": nowhere), or by what it is ``under``."""
        key = run_key or f"{self.name} {next(self._jobs)}"
        main = as_command("preprocessing.ingest") if command or (self._execute and target) else ingest.main
        environment = self._environment(f"{target}:{action}" if target else "", log)
        return Job(main, ("append", "--run-key", key), environment, self._output(), under=under or self._under)

    def _start_take_back(self, who: str, fault: str = "") -> Job:
        arguments = ("--reviewer", who, "--since", "2020-01-01", "--until", "2100-01-01")

        small_chunks = partial(patch.object, reviewer, "CHUNK", 2)
        return Job(retraction.main, arguments, self._environment(fault), self._output(), under=small_chunks)

    def _start_archive(self, fault: str = "") -> Job:
        return Job(archive.main, ("run",), self._environment(fault), self._output())

    def _environment(self, fault: str = "", log: Path | None = None) -> dict[str, str]:
        return {
            "DB_URL": f"sqlite:///{self.shop.folder}/etalon.db",
            "STORE_ROOT": str(self.shop.store.root),
            "ETALON_FAILPOINT": fault,
            "ETALON_FAILPOINT_LOG": str(log or self._plan.failpoint_log),
        }

    def _output(self) -> Path:
        return self._folder / f"job-{next(self._jobs)}"

    def _next_target(self) -> str:
        """The failpoint whose turn it is, or one that a job was to die at and never came to."""
        if self._missed:
            return f"{self._missed.pop(0)}:1"
        return next(self._targets)

    def _endless_targets(self) -> Iterator[str]:
        """Every failpoint in turn, mostly the first time it is reached; each episode begins elsewhere in the turn."""
        names = sorted(self._rehearsed.points)
        self._plan.random("order").shuffle(names)
        number = self.name.rpartition("-")[2]
        begin = int(number) * _TARGETS_AN_EPISODE if number.isdigit() else 0
        for name in itertools.islice(itertools.cycle(names), begin, None):
            most = self._rehearsed.points[name]
            yield f"{name}:{1 if self._rng.random() < 0.6 else self._rng.randint(1, most)}"
