"""What the short campaigns inside ``make test`` share: a plan, and the memory of which failpoints were reached."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, Progress, Tally

SEED = int(os.environ.get("FAULTS_SEED", "20261121"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that looks back on what was reached comes last."""
    items.sort(key=lambda item: item.path.stem == "test_failpoints")


@pytest.fixture(scope="session")
def reached() -> set[str]:
    """Failpoints that the campaigns of this session came by."""
    return set()


@pytest.fixture
def plan(tmp_path: Path, reached: set[str]) -> Iterator[Plan]:
    """A short plan; ``FAULTS_SEED`` replays another seed."""
    plan = Plan(SEED, "short", tmp_path)
    yield plan
    reached.update(plan.reached())


@pytest.fixture
def run(plan: Plan) -> Callable[[Callable[[Plan, Progress], Tally]], Tally]:
    """Runs a campaign's ``run`` on the short plan."""
    return lambda campaign: campaign(plan, Progress(campaign.__module__.rpartition(".")[2], plan.seed))
