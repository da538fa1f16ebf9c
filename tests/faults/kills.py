"""The ingest job killed at every step, once and again, twice at once, stalled and woken, and at random moments.

Each episode is a shop of its own in which people review while the job runs and dies. Between two deaths nothing
may be doubled or invented; once the loop has drained, everything acknowledged is in the training view exactly once
with its last accepted code, and fsck agrees. One episode alone: ``--only kills:NAME``.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

from tests.faults import protocol_mutants
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.episode import Episode, Rehearsed, rehearse
from tests.faults.imports import ImportEpisode

KILLS_PER_EPISODE = 25
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class _Size:
    """How many episodes of each kind, and how many deaths of a command in one."""

    executed: int
    command_deaths: int
    imports: int
    forked: int


_SIZES: Mapping[str, _Size] = {"short": _Size(1, 6, 1, 4), "full": _Size(5, 25, 6, 66)}


def run(plan: Plan, say: Progress) -> Tally:
    """Play all episodes, two at a time."""
    began, tally = time.monotonic(), Tally()
    # Workers are fresh interpreters with one thread: only such a process may be forked again and again.
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as pool:
        rehearsed = pool.submit(rehearse, plan).result()
        say(f"an append takes {rehearsed.append_s:.2f} s and can be killed at {len(rehearsed.points)} points")
        waiting = [pool.submit(play, plan, rehearsed, name) for name in _names(plan)]
        for done, future in enumerate(as_completed(waiting), start=1):
            tally += future.result()
            if done % 5 == 0 or done == len(waiting):
                rate = tally.kills / (time.monotonic() - began)
                say(f"{done} of {len(waiting)} episodes, {tally.kills} kills ({rate:.1f}/s), harm {dict(tally.harm)}")
    missed = rehearsed.points.keys() - tally.kill_points
    if missed and plan.only is None:
        tally.violations.append(f"no kill happened at {', '.join(sorted(missed))}")
    tally.notes.append(f"{tally.kills / (time.monotonic() - began):.1f} kills a second")
    return tally


def _names(plan: Plan) -> list[str]:
    size = _SIZES[plan.scale]
    kinds = (("exec", size.executed), ("import", size.imports), ("fork", size.forked))  # the slow ones first
    names = [f"{kind}-{number}" for kind, count in kinds for number in range(count)]
    names += [f"mutant-{name}" for name in (*protocol_mutants.NAMES, protocol_mutants.CONTROL)]
    return [name for name in names if plan.only in (None, name)]


def play(plan: Plan, rehearsed: Rehearsed, name: str) -> Tally:
    """Play one episode, in a worker."""
    if name.startswith("import"):
        return ImportEpisode(plan, name).run(KILLS_PER_EPISODE)
    if name.startswith("mutant-"):
        return protocol_mutants.try_one(plan, rehearsed, name.removeprefix("mutant-"))
    if name.startswith("exec"):
        return Episode(plan, name, rehearsed, execute=True).run(_SIZES[plan.scale].command_deaths)
    return Episode(plan, name, rehearsed).run(KILLS_PER_EPISODE)
