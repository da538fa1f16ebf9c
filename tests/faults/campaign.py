"""What every fault campaign is given, how it says what it is doing, and what it hands back.

A campaign is a module of this folder, listed in ``__main__``, with one function:

    def run(plan: Plan, say: Progress) -> Tally

Everything random in it comes from ``plan.random(…)``, so that the same seed hurts the same places again. It
lets the processes that it starts write the failpoints they reach into ``plan.failpoint_log``. It raises
``NotRun`` where a program that it needs is not installed: that is neither a success nor a failure of ours.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Scale = Literal["short", "full"]


class NotRun(Exception):
    """The campaign cannot run here; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    Attributes:
        seed: everything random follows from it.
        scale: "short" inside ``make test``, "full" in ``make faults``.
        folder: an existing empty folder of the campaign's own.
        only: a part of the campaign to run alone, as the campaign names its parts (None: all of it).
    """

    seed: int
    scale: Scale
    folder: Path
    only: str | None = None

    @property
    def full(self) -> bool:
        """Whether this is the long run."""
        return self.scale == "full"

    @property
    def failpoint_log(self) -> Path:
        """``ETALON_FAILPOINT_LOG`` of every process the campaign starts."""
        return self.folder / "failpoints.log"

    def random(self, *what: object) -> random.Random:
        """A stream of its own for ``what`` (a round, a worker), the same again for the same seed."""
        return random.Random(":".join(str(part) for part in (self.seed, *what)))

    def reached(self) -> set[str]:
        """The failpoints that processes of this campaign came by."""
        if not self.failpoint_log.exists():
            return set()
        return set(self.failpoint_log.read_text(encoding="utf-8").split())


class Progress:
    """Prints what a campaign is doing, each line with the seed that replays it."""

    def __init__(self, campaign: str, seed: int) -> None:
        self._campaign = campaign
        self._seed = seed
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        elapsed_s = time.monotonic() - self._began
        sys.stderr.write(f"[{elapsed_s:6.1f} s] {self._campaign} (seed {self._seed}): {text}\n")
        sys.stderr.flush()


@dataclass(slots=True)
class Tally:
    """What a campaign did and what it found; tallies add up.

    Attributes:
        kill_points: names of the failpoints (and other named moments) at which a process was killed.
        kills: processes killed.
        rows: labels that were judged: those of one place once, however often it was looked at.
        actions: what people did and had acknowledged, by name.
        lost: verdicts that are not in the training view with their last accepted code once the loop has drained.
        doubled: verdicts that are there more than once.
        ghosts: rows of the view that no standing verdict explains.
        stuck: work that is not done once the loop has drained.
        faults: injected faults that are no kills (full disks, failed flushes, flipped bytes, …).
        states: power-loss states that were restarted from.
        histories: histories of concurrent reviewers.
        double_wins: of them, those in which two people won one version.
        violations: every further thing that is wrong, each with the place and what replays it.
        mutants: name of each flawed version to what caught it; None: it survived.
        notes: facts worth a line of the summary, such as rates.
    """

    kill_points: set[str] = field(default_factory=set)
    kills: int = 0
    rows: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    ghosts: int = 0
    stuck: int = 0
    faults: int = 0
    states: int = 0
    histories: int = 0
    double_wins: int = 0
    violations: list[str] = field(default_factory=list)
    mutants: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __add__(self, other: "Tally") -> "Tally":
        values = {}
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            is_union = isinstance(mine, set | dict) and not isinstance(mine, Counter)
            values[one.name] = mine | theirs if is_union else mine + theirs
        return Tally(**values)

    def __iadd__(self, other: "Tally") -> "Tally":
        total = self + other
        for one in fields(self):
            setattr(self, one.name, getattr(total, one.name))
        return self

    @property
    def failed(self) -> bool:
        """Whether anything was lost, doubled, invented or stuck, or a flawed version went unnoticed."""
        return bool(self.harm) or bool(self.violations) or None in self.mutants.values()

    @property
    def harm(self) -> Mapping[str, int]:
        """What happened to labels: lost, doubled, ghosts, stuck and double wins, where there were any."""
        names = ("lost", "doubled", "ghosts", "stuck", "double_wins")
        return Counter({name: getattr(self, name) for name in names if getattr(self, name)})

    def as_json(self) -> dict[str, Any]:
        """All of it in types that JSON has."""
        plain = {"kill_points": sorted(self.kill_points), "actions": dict(self.actions), "failed": self.failed}
        return asdict(self) | plain  # asdict breaks a Counter up
