"""Retention killed at every step: the store is whole after each death, and the next run finishes what was begun."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from core.db.migrate import migrate
from core.db.models import Promotion
from core.db.repositories import consistency, promotions
from core.db.session import make_engine, make_sessions
from core.registry.packages import DroppedPackage, encoders_of, open_package, write_package
from core.retention import inventory
from core.settings import DatabaseSettings, StoreSettings
from core.store import fsck
from tests.faults.campaign import Plan
from tests.faults.running import ROOT

POINTS = ("retention.recorded", "retention.models_aside", "retention.aside", "retention.deleted")


def write(store: StoreSettings, name: str, kind: str = "model", **spec: object) -> str:
    """An old package."""
    package = write_package(store.packages, kind=kind, spec={"name": name, **spec}, arrays={"w": np.zeros(9)})
    os.utime(package.path, (1.0, 1.0))
    return package.sha


def serve(sessions: sessionmaker[Session], epoch: int, sha: str) -> None:
    """One more epoch, long ago."""
    facts = {"actor": "test", "reason": "", "kind": "manual", "gate_report": None, "run_id": None, "manifest": 1}
    with sessions.begin() as session:
        promotions.promote(session, expected_epoch=epoch, models={"fusion": sha}, taxonomy_version="t", **facts)
        session.execute(update(Promotion).values(created_at=datetime(2020, 1, 1)))  # noqa: DTZ001 - as it is kept


def whole(store: StoreSettings, sha: str) -> bool:
    """Whether the package and what it needs can be read, or it is gone and says so."""
    try:
        package = open_package(store.packages, sha)
    except DroppedPackage:
        return False
    for one in encoders_of(package):
        open_package(store.packages, one)
    return True


@pytest.fixture
def sessions(plan: Plan) -> Iterator[sessionmaker[Session]]:
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{plan.folder}/etalon.db"))
    migrate(engine)
    yield make_sessions(engine)
    engine.dispose()


def tidy(plan: Plan, store: StoreSettings, failpoint: str = "") -> int:
    """Run the job; returns how it ended."""
    told = {
        "DB_URL": f"sqlite:///{plan.folder}/etalon.db",
        "STORE_ROOT": str(store.root),
        "STORE_KEEP_EPOCHS": "2",
        "TRAIN_TRACKING_URI": "http://127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "ETALON_FAILPOINT": failpoint,
        "ETALON_FAILPOINT_LOG": str(plan.failpoint_log),
    }
    command = [sys.executable, "-m", "training.jobs", "retain"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | told, capture_output=True, timeout=240, check=False)
    return done.returncode


def violations(store: StoreSettings, sessions: sessionmaker[Session]) -> list[str]:
    """What the full check says."""
    with sessions() as session:
        staging = consistency.staging(session, full=True, as_of=None)
    found = fsck.check(store.training, read_staging=lambda: staging, packages=store.packages, full=True)
    return [str(one) for one in found]


def test_killed_anywhere_the_store_is_whole_and_the_next_run_finishes(
    plan: Plan, sessions: sessionmaker[Session]
) -> None:
    store = StoreSettings(root=plan.folder / "var")
    kept_text = write(store, "kept text", "text-encoder")
    kept = [write(store, f"kept {number}", encoders={"text": kept_text}) for number in (1, 2)]
    going_text = write(store, "going text", "text-encoder")
    going = [write(store, f"going {number}", encoders={"text": going_text}) for number in (1, 2)]
    for epoch, sha in enumerate((*going, *kept)):
        serve(sessions, epoch, sha)
    for point in POINTS:
        assert tidy(plan, store, f"{point}:1:kill") == -signal.SIGKILL, point
        assert all(whole(store, sha) for sha in kept), point
        for sha in (*going, going_text):
            whole(store, sha)
        assert violations(store, sessions) == [], point
    assert tidy(plan, store) == 0
    assert not any(whole(store, sha) for sha in (*going, going_text))
    assert left(store) == {kept_text, *kept}


def left(store: StoreSettings) -> set[str]:
    """Packages, and anything that a killed process left beside them."""
    aside = {path.name for path in store.packages.glob(".*.*")}
    return aside | {one.sha for one in inventory.packages(store.packages)}
