"""What the short campaigns inside ``make test`` share: a plan, and the memory of which failpoints were reached."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, Progress, Tally

REACHED: set[str] = set()
"""Failpoints that the campaigns of this session came by; the last test compares them with the list."""

SEED = int(os.environ.get("FAULTS_SEED", "20261121"))


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    """A short plan; ``FAULTS_SEED`` replays another seed."""
    plan = Plan(SEED, "short", tmp_path)
    yield plan
    REACHED.update(plan.reached())


@pytest.fixture
def run(plan: Plan) -> Callable[[Callable[[Plan, Progress], Tally]], Tally]:
    """Runs a campaign's ``run`` on the short plan."""
    return lambda campaign: campaign(plan, Progress(campaign.__module__.rpartition(".")[2], plan.seed))
