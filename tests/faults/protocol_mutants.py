"""Versions of the append with one safeguard removed, under the same deaths: each must be caught, the product not.

People only accept labels here, so that whatever goes wrong is the flaw's doing and not a correction's.
"""

from contextlib import nullcontext
from importlib import import_module

from tests.faults.campaign import Plan, Tally
from tests.faults.episode import Episode, Rehearsed

NAMES = ("append_then_mark", "mark_then_append", "unfrozen_claim")
CONTROL = "unmutated"
_MOST_KILLS = 40


def try_one(plan: Plan, rehearsed: Rehearsed, name: str) -> Tally:
    """Run one flawed version until something goes wrong, or the product itself (``CONTROL``) to the end."""
    under = nullcontext if name == CONTROL else import_module(f"tests.faults.mutants.{name}").applied
    calm = Episode(plan, f"calm-{name}", rehearsed, under=under, labels_only=True).run(0)
    if calm.failed:
        return calm + Tally(violations=[f"mutant {name} fails although nobody hurts it, so it proves nothing"])
    flawed = name != CONTROL
    found = Episode(plan, f"mutant-{name}", rehearsed, under=under, labels_only=True, flawed=flawed).run(_MOST_KILLS)
    return Tally(mutants={name: _what_caught(found)}) if flawed else found


def _what_caught(found: Tally) -> str | None:
    """Only harm to labels counts: a job that merely fails, loudly, is no proof."""
    harm = ", ".join(f"{name} {count}" for name, count in found.harm.items())
    return f"the kill campaign after {found.kills} kills: {harm}" if harm else None
