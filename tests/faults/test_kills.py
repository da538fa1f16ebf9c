"""The short kill campaign: nothing lost, doubled, invented or stuck."""

from collections.abc import Callable

from tests.faults import kills, protocol_mutants
from tests.faults.campaign import Plan, Progress, Tally


def test_killed_anywhere_the_ingest_neither_loses_nor_doubles_nor_invents(
    run: Callable[[Callable[[Plan, Progress], Tally]], Tally],
) -> None:
    tally = run(kills.run)
    assert not tally.violations, "\n".join(tally.violations)
    assert not tally.failed, tally.harm
    assert tally.kills >= 100
    assert tally.rows >= 150
    everything = {"validate", "modify", "reject", "undo", "correct", "retract", "reopen", "erase", "take back"}
    assert everything <= tally.actions.keys()
    assert tally.mutants.keys() == set(protocol_mutants.NAMES)
