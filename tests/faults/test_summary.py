"""The end of ``make faults``: what makes it a failure, and that a campaign that did not run is no success."""

from core.failpoints import POINTS
from tests.faults.campaign import Tally
from tests.faults.summary import MUTANTS, Outcome, summarise


def sound() -> Tally:
    mutants = dict.fromkeys(MUTANTS, "lost 1")
    points = {f"point {number}" for number in range(40)}
    return Tally(kill_points=points, kills=2_000, rows=9, states=1_000, histories=1_000, mutants=mutants)


def ran(tally: Tally, reached: frozenset[str] = frozenset(POINTS)) -> Outcome:
    return Outcome("kills", tally, 1.0, reached)


def reasons(*outcomes: Outcome) -> list[str]:
    return summarise(outcomes, whole=True, full=True)[1]


def test_a_sound_run_ends_with_the_figures() -> None:
    text, wrong = summarise([ran(sound())], whole=True, full=True)
    assert wrong == []
    assert "40 kill points, 2000 kills, 9 rows: lost 0, doubled 0, ghosts 0, stuck 0" in text
    assert "1000 power-loss states: violations 0" in text
    assert "1000 histories of concurrent reviewers: double wins 0" in text
    assert "mutants caught 8 of 8" in text


def test_anything_lost_is_a_failure() -> None:
    assert reasons(ran(sound() + Tally(lost=2))) == ["2 lost"]


def test_a_surviving_or_forgotten_mutant_is_a_failure() -> None:
    tally = sound()
    tally.mutants["no_fsync"] = None
    del tally.mutants["alias_as_truth"]
    assert reasons(ran(tally)) == ["mutant no_fsync was not caught", "mutant alias_as_truth was not tried"]


def test_a_failpoint_that_nobody_reached_is_a_failure() -> None:
    assert reasons(ran(sound(), frozenset(POINTS) - {"append.claimed"})) == [
        "failpoint append.claimed was never reached"
    ]


def test_too_few_kills_are_a_failure_of_the_long_run_only() -> None:
    tally = sound()
    tally.kills = 7
    assert reasons(ran(tally)) == ["7 kills, at least 2000 wanted"]
    assert summarise([ran(tally)], whole=True, full=False)[1] == []


def test_a_campaign_that_did_not_run_is_a_failure_unless_that_was_asked_for() -> None:
    missing = Outcome("mariadb", None, 0.0, not_run="mariadbd is not installed")
    assert reasons(ran(sound()), missing) == ["mariadb did not run: mariadbd is not installed"]
    excused = Outcome("mariadb", None, 0.0, not_run="SKIP_MARIADB=1", excused=True)
    without = sound()
    without.histories = 0
    del without.mutants["check_then_act"], without.mutants["sequence_cursor"]
    text, wrong = summarise([ran(without), excused], whole=True, full=True)
    assert wrong == []
    assert "left out: SKIP_MARIADB=1" in text
    del without.mutants["no_fsync"]
    assert reasons(ran(without), excused) == ["mutant no_fsync was not tried"]
