"""Tallies add up, fail on any harm, and plans replay."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, Tally


def test_tallies_add_up() -> None:
    one = Tally(
        actions=Counter(undo=1),
        kill_points={"a"},
        kills=2,
        rows=3,
        violations=["x"],
        mutants={"m": "lost 1"},
        notes=["n"],
    )
    total = one + Tally(kill_points={"b"}, kills=1, lost=1, actions=Counter(undo=2))
    assert total.actions == {"undo": 3}
    assert (total.kill_points, total.kills, total.rows, total.lost) == ({"a", "b"}, 3, 3, 1)
    assert (total.violations, total.mutants, total.notes) == (["x"], {"m": "lost 1"}, ["n"])
    one += Tally(kills=5)
    assert one.kills == 7


@pytest.mark.parametrize("harm", ["lost", "doubled", "ghosts", "stuck", "double_wins"])
def test_any_harm_is_a_failure(harm: str) -> None:
    assert not Tally(kills=9, rows=9, states=9, histories=9, mutants={"m": "lost 1"}).failed
    assert Tally(**{harm: 1}).failed
    assert Tally(**{harm: 1}).harm == {harm: 1}


def test_a_violation_or_a_surviving_mutant_is_a_failure() -> None:
    assert Tally(violations=["I5 …"]).failed
    assert Tally(mutants={"no_fsync": None}).failed


def test_the_same_seed_draws_the_same_again(tmp_path: Path) -> None:
    plan = Plan(7, "short", tmp_path)
    assert plan.random("round", 3).random() == Plan(7, "full", tmp_path).random("round", 3).random()
    assert plan.random("round", 3).random() != plan.random("round", 4).random()
    assert plan.random("round", 3).random() != Plan(8, "short", tmp_path).random("round", 3).random()


def test_a_tally_is_json() -> None:
    written = json.loads(json.dumps(Tally(kill_points={"b", "a"}, lost=1, actions=Counter(validate=2)).as_json()))
    assert written["kill_points"] == ["a", "b"]
    assert written["actions"] == {"validate": 2}
    assert written["failed"] is True
