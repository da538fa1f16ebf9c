"""What ``make faults`` says at its end, and whether it may call that a success."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.failpoints import POINTS
from tests.faults.campaign import Tally

MUTANTS = (
    "no_fsync",
    "no_folder_fsync",
    "append_then_mark",
    "mark_then_append",
    "check_then_act",
    "sequence_cursor",
    "unfrozen_claim",
    "alias_as_truth",
)
"""The flawed versions that must each be caught."""

FLOORS = {"kill points": 40, "kills": 2_000, "power-loss states": 1_000, "histories": 1_000}
"""A full run that did less has shown less than it promises."""

OF_MARIADB = ("check_then_act", "sequence_cursor", "histories")
"""Mutants and floors that nobody can ask for where the campaigns on MariaDB were left out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one campaign went.

    Attributes:
        name: of the campaign.
        tally: what it found; None if it did not run.
        seconds: how long it took.
        reached: failpoints that its processes came by.
        not_run: why it did not run, None if it did.
        excused: the caller asked for it to be left out.
    """

    name: str
    tally: Tally | None
    seconds: float
    reached: frozenset[str] = frozenset()
    not_run: str | None = None
    excused: bool = False

    @property
    def failed(self) -> bool:
        """Whether it found harm, or did not run although nobody excused it."""
        return self.tally.failed if self.tally else not self.excused

    def __str__(self) -> str:
        if self.tally is None:
            return f"{self.name:12} {'left out' if self.excused else 'NOT RUN'}: {self.not_run}"
        state = "FAILED" if self.failed else "passed"
        facts = [f"{self.seconds:.0f} s", f"{self.tally.kills} kills", f"{self.tally.faults} other faults"]
        return f"{self.name:12} {state}: " + ", ".join([*facts, *self.tally.notes])


def summarise(outcomes: Sequence[Outcome], *, whole: bool, full: bool) -> tuple[str, list[str]]:
    """The summary and every reason why the run is no success.

    Args:
        outcomes: of the campaigns, in order.
        whole: every campaign was asked for, so the failpoints and mutants must be complete.
        full: at full scale, so the figures must reach their floors.
    """
    total = sum((one.tally for one in outcomes if one.tally), Tally())
    excused = OF_MARIADB if any(one.excused for one in outcomes) else ()
    reasons = [violation for one in outcomes if one.tally for violation in one.tally.violations]
    reasons += [f"{one.name} did not run: {one.not_run}" for one in outcomes if one.tally is None and one.failed]
    reasons += [f"{count} {name}" for name, count in total.harm.items()]
    reasons += [f"mutant {name} was not caught" for name, caught in total.mutants.items() if caught is None]
    if whole:
        reasons += [f"mutant {name} was not tried" for name in MUTANTS if name not in (*total.mutants, *excused)]
        reached = frozenset[str]().union(*(one.reached for one in outcomes))
        reasons += [f"failpoint {name} was never reached" for name in sorted(POINTS.keys() - reached)]
    if whole and full:
        done = dict(zip(FLOORS, (len(total.kill_points), total.kills, total.states, total.histories), strict=True))
        short = [name for name, least in FLOORS.items() if done[name] < least and name not in excused]
        reasons += [f"{done[name]} {name}, at least {FLOORS[name]} wanted" for name in short]
    return "\n".join(_lines(outcomes, total, reasons, whole=whole)), reasons


def _lines(outcomes: Sequence[Outcome], total: Tally, reasons: Sequence[str], *, whole: bool) -> list[str]:
    caught = [name for name, by in total.mutants.items() if by is not None]
    wrong_states = sum(len(one.tally.violations) for one in outcomes if one.tally and one.tally.states)
    return [
        *(str(one) for one in outcomes),
        *(f"mutant {name}: {f'caught by {by}' if by else 'SURVIVED'}" for name, by in sorted(total.mutants.items())),
        *(f"WRONG: {reason}" for reason in reasons[:50]),
        *([f"… and {len(reasons) - 50} more"] if len(reasons) > 50 else []),
        f"{len(total.kill_points)} kill points, {total.kills} kills, {total.rows} rows: "
        f"lost {total.lost}, doubled {total.doubled}, ghosts {total.ghosts}, stuck {total.stuck}",
        *([f"while people did: {_listed(total.actions)}"] if total.actions else []),
        f"{total.faults} other faults (disk, files, database, requests)",
        f"{total.states} power-loss states: violations {wrong_states}",
        f"{total.histories} histories of concurrent reviewers: double wins {total.double_wins}",
        f"mutants caught {len(caught)} of {len(MUTANTS) if whole else len(total.mutants)}",
        "FAILED" if reasons else "nothing lost, nothing doubled, nothing invented, nothing stuck",
    ]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
