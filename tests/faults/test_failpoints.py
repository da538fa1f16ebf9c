"""Every failpoint is listed, placed, and reached by a fault test."""

import ast
from pathlib import Path

import pytest

from core.failpoints import POINTS
from tests.faults.__main__ import CAMPAIGNS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "preprocessing", "inference", "training", "api")


def placed_names() -> dict[str, str]:
    """Each name that the product's code reaches, and a place where."""
    found: dict[str, str] = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reach":
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{where}: a failpoint's name is written out"
                found[str(name.value)] = where
    return found


def test_every_failpoint_in_the_code_is_listed() -> None:
    unlisted = {name: where for name, where in placed_names().items() if name not in POINTS}
    assert unlisted == {}


def test_every_listed_failpoint_is_in_the_code() -> None:
    assert POINTS.keys() - placed_names().keys() == set()


def test_every_failpoint_says_what_is_true_there() -> None:
    assert [name for name, meaning in POINTS.items() if len(meaning) < 10] == []


def test_every_failpoint_was_reached_by_a_fault_test(request: pytest.FixtureRequest, reached: set[str]) -> None:
    """Meant for a run of the whole tier, whose last test it is."""
    ran = {item.path.stem for item in request.session.items}
    campaigns = {f"test_{module.rpartition('.')[2]}" for module in CAMPAIGNS.values()}
    there = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    if missing := (campaigns & there) - ran:
        pytest.skip(f"only a part of the fault tests was asked for; {', '.join(sorted(missing))} did not run")
    assert POINTS.keys() - reached == set()
