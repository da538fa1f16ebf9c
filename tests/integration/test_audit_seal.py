"""The audit's chain on a real database: what was sealed cannot be edited, removed or added to unnoticed."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.audit_seal import seal
from core.db.models import Audit, AuditSeal
from core.db.repositories import audit, consistency
from core.db.session import make_sessions
from core.store import fsck
from tests.conftest import ROOT

DETAIL = {"é": [1, 0.1], "a": None}


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


def act(sessions: sessionmaker[Session], *actions: str, age_s: float = 61.0) -> None:
    """Leave audit rows of this age."""
    with sessions.begin() as session:
        for action in actions:
            audit.record(
                session, actor="ada", action=action, subject="p/1", version=2, detail={"é": [1, 0.1], "a": None}
            )
        session.flush()
        for row in session.scalars(select(Audit).where(Audit.action.in_(actions))):
            row.at -= timedelta(seconds=age_s)


def found(sessions: sessionmaker[Session], training: Path, *, full: bool = True) -> list[str]:
    def staging() -> consistency.Staging:
        with sessions() as session:
            return consistency.staging(session, full=full)

    return [str(one) for one in fsck.check(training, read_staging=staging)]


def test_rows_that_are_old_enough_are_sealed_once(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    act(sessions, "validate", "undo")
    act(sessions, "late", age_s=59.0)
    number, link = seal(sessions)
    assert (number, link.rows) == (1, 2)
    assert seal(sessions) is None
    with sessions() as session:
        assert [row.seal for row in session.scalars(select(Audit).order_by(Audit.id))] == [1, 1, None]
    assert found(sessions, tmp_path) == []


def test_a_row_that_is_committed_late_joins_a_later_link(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    act(sessions, "first", "second")
    with sessions.begin() as session:
        late = session.scalars(select(Audit).where(Audit.action == "first")).one()
        values = {"id": late.id, "at": late.at, "actor": "ada", "action": "first", "subject": "p/1"}
        session.delete(late)
    seal(sessions)
    with sessions.begin() as session:
        session.execute(insert(Audit).values(values))
    assert seal(sessions)[0] == 2
    assert found(sessions, tmp_path) == []


CHANGES = {
    "edited": lambda row: update(Audit).where(Audit.id == row).values(actor="eve"),
    "edited in its facts": lambda row: update(Audit).where(Audit.id == row).values(detail={"é": [1, 0.1]}),
    "dated back": lambda row: update(Audit).where(Audit.id == row).values(at=Audit.at),
    "removed": lambda row: delete(Audit).where(Audit.id == row),
    "unsealed": lambda row: update(Audit).where(Audit.id == row).values(seal=None),
    "moved to another link": lambda row: update(Audit).where(Audit.id == row).values(seal=2),
    "added": lambda row: insert(Audit).values(actor="eve", action="validate", subject="p/1", seal=1),
    "link removed": lambda row: delete(AuditSeal).where(AuditSeal.seal == 1),
    "link forged": lambda row: update(AuditSeal).where(AuditSeal.seal == 1).values(sha256="0" * 64),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_sealed_row_cannot_be_changed_unnoticed(sessions: sessionmaker[Session], tmp_path: Path, change: str) -> None:
    act(sessions, "validate", "undo")
    seal(sessions)
    act(sessions, "reject")
    seal(sessions)
    with sessions.begin() as session:
        row = session.scalars(select(Audit).order_by(Audit.id)).first()
        session.execute(CHANGES[change](row.id))
        if change == "dated back":
            row.at -= timedelta(microseconds=1000)
    lines = found(sessions, tmp_path)
    assert lines
    assert {line[:2] for line in lines} == {"I9"}


def test_a_quick_check_computes_the_newest_links_again(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    for number in range(26):
        act(sessions, f"move {number}")
        seal(sessions)
    with sessions.begin() as session:
        session.execute(update(Audit).where(Audit.seal == 26).values(actor="eve"))
        session.execute(update(Audit).where(Audit.seal == 1).values(actor="eve"))
    assert found(sessions, tmp_path, full=False) == ["I9  audit seal 26: its rows are not those that were sealed"]
    assert len(found(sessions, tmp_path)) == 2


def test_several_sealers_at_once_make_one_chain(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    act(sessions, *(f"move {number}" for number in range(20)))
    made: list[object] = []
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        made.append(seal(sessions))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one is not None for one in made) == [False, False, False, True]
    assert found(sessions, tmp_path) == []


def test_the_command_prints_its_link_and_says_when_there_is_nothing(
    sessions: sessionmaker[Session], engine: Engine
) -> None:
    act(sessions, "validate")

    def run() -> tuple[int, dict[str, object]]:
        environment = {**os.environ, "DB_URL": engine.url.render_as_string(hide_password=False)}
        command = [sys.executable, "-m", "core.audit_seal"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    status, answer = run()
    with sessions() as session:
        assert (status, answer) == (0, {"seal": 1, "rows": 1, "sha256": session.get_one(AuditSeal, 1).sha256})
    assert run() == (99, {"seal": None, "rows": 0, "sha256": None})
