"""The append on a disk that is full, read-only, does not flush, or cuts a write short, at every call it makes.

The job fails and says what happened; nothing of its batch is half-visible; a flush that failed is not tried again
on the same file; and once the disk works again, the next run completes. One kind alone: ``--only "filesystem:KIND"``.
"""

import copy
import errno
import math
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from core.store.segments import IMAGE_SHAPE
from tests.faults import workload
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.disk_faults import KINDS, SHORT_WRITES, failing_disk, small_files
from tests.faults.episode import Episode, Rehearsed
from tests.faults.workload import Journal

_WORKERS = 2
_SHORT_SHARE = 2
"""The short run meets every second call."""
_SMALLEST_FILE = 16 * 1024
"""Bytes: less would cut what the job says of it, too."""
_NEW_ROWS = 3
_TENSORS = _NEW_ROWS * math.prod(IMAGE_SHAPE)
"""Bytes of the longest file of the batch that waits."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A shop in which every kind of work waits, what its people were told, and how often an append meets the disk."""

    template: Path
    journal: Journal
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """``kind`` of fault at the ``nth`` call; for short writes, files of ``nth`` bytes at most."""

    kind: str
    nth: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.nth}"


def run(plan: Plan, say: Progress) -> Tally:
    """Try every fault at every call."""
    tally = Tally()
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as pool:
        staged = pool.submit(stage, plan).result()
        trials = choose(plan, staged)
        say(f"an append meets the disk {staged.calls} times; {len(trials)} trials")
        waiting = [pool.submit(try_all, plan, staged, trials[at::10]) for at in range(10)]
        for future in as_completed(waiting):
            tally += future.result()
            say(f"{tally.faults} of {len(trials)} faults, {len(tally.violations)} violations")
    tally.notes.append(f"{len(trials)} disk faults")
    return tally


def stage(plan: Plan) -> Staged:
    """Build the shop, and count how often an append in it meets the disk."""
    episode = stage_work(plan, workload.build(plan.folder / "template"))
    journal = episode.reviewers.journal
    calls = {kind: _count_calls(plan, episode.shop.folder, journal, kind) for kind in KINDS}
    return Staged(episode.shop.folder, journal, calls)


def stage_work(plan: Plan, template: Path, answered_by: str = "f" * 64) -> Episode:
    """Ingest some rows, then let new ones, a correction, a retraction and an erasure wait."""
    episode = Episode(plan, "staged", Rehearsed(template, {}, 0.0, 0.0))
    people = episode.reviewers
    people.answered_by = answered_by
    for _ in range(4):
        people.validate(people.stage())
    people.shop.engine.dispose()
    episode.append()
    ingested = list(people.journal.expected())
    people.correct(ingested[0])
    people.retract(ingested[1])
    people.erase(ingested[2])
    for _ in range(_NEW_ROWS - 1):  # the correction brings one too
        people.validate(people.stage(with_photo=True))
    people.shop.engine.dispose()
    if episode.tally.failed:
        raise RuntimeError("; ".join(episode.tally.violations))
    return episode


def _count_calls(plan: Plan, template: Path, journal: Journal, kind: str) -> int:
    episode = open_staged(plan, template, journal, f"counting {kind}")
    report = episode.shop.folder / "calls"
    disk = partial(failing_disk, KINDS[kind], None, episode.shop.store.root, report)
    ended = episode.start(under=disk).wait()
    if ended.status != 0:
        raise RuntimeError(f"an append on a sound disk failed: {ended.last_words}")
    calls = int(report.read_text(encoding="utf-8").split("\n")[0])
    episode.close()
    return calls


def open_staged(plan: Plan, template: Path, journal: Journal, name: str) -> Episode:
    """A copy of it for one trial."""
    episode = Episode(plan, name.replace(" ", "-"), Rehearsed(template, {}, 0.0, 0.0))
    episode.reviewers.journal = replace(copy.deepcopy(journal), actions=Counter())
    return episode


def choose(plan: Plan, staged: Staged) -> list[Trial]:
    """Every call of every kind (the short run: every second one), and some sizes at which a write is cut."""
    step = 1 if plan.full else _SHORT_SHARE
    rng = plan.random("trials")
    trials = [
        Trial(kind, nth)
        for kind, calls in staged.calls.items()
        for nth in range(1 + rng.randrange(step), calls + 1, step)
    ]
    sizes = [_SMALLEST_FILE, *(rng.randrange(_SMALLEST_FILE, _TENSORS) for _ in range(30 if plan.full else 4))]
    trials += [Trial(SHORT_WRITES, size) for size in sizes]
    return [trial for trial in trials if plan.only in (None, trial.kind)]


def try_all(plan: Plan, staged: Staged, trials: Sequence[Trial]) -> Tally:
    """Some trials, in a worker."""
    return sum((try_one(plan, staged, trial) for trial in trials), Tally())


def try_one(plan: Plan, staged: Staged, trial: Trial) -> Tally:
    """Hurt one append, look at what it left, and let the next one complete."""
    episode = open_staged(plan, staged.template, staged.journal, str(trial))
    report = episode.shop.folder / "calls"
    if trial.kind == SHORT_WRITES:
        disk, error = partial(small_files, trial.nth), errno.EFBIG
    else:
        kind = KINDS[trial.kind]
        disk, error = partial(failing_disk, kind, trial.nth, episode.shop.store.root, report), kind.error
    ended = episode.start(under=disk).wait()
    if ended.status != 1 or "append failed: " not in ended.err:
        episode.report(f"the job should have failed and said so; {ended.last_words}")
    elif os.strerror(error) not in ended.err and trial.kind != SHORT_WRITES:
        episode.report(f"it does not say {os.strerror(error)!r}: {ended.last_words}")
    if report.exists() and (again := report.read_text(encoding="utf-8").split("\n")[1:]):
        episode.report(f"flushed again after a failed flush: {', '.join(again)}")
    episode.judge(settled=False)
    episode.check()
    episode.settle()
    episode.tally.faults += 1
    return episode.close()
