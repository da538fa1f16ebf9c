"""The promotion ledger on SQLite and MariaDB: epochs move one at a time, and exactly one of two writers wins."""

import threading

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import Audit, Promotion
from core.db.repositories import promotions
from core.db.repositories.promotions import EpochMoved, NothingToRollBack
from core.db.session import make_sessions


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


def promoted(session: Session, expected_epoch: int, sha: str, **changes: object) -> Promotion:
    facts = {
        "models": {"fusion": sha},
        "actor": "job",
        "reason": "better",
        "kind": "gate",
        "gate_report": {"outcome": "promote"},
        "run_id": f"run-{sha}",
        "manifest": expected_epoch + 1,
        "taxonomy_version": "taxonomy-one",
    }
    return promotions.promote(session, expected_epoch=expected_epoch, **{**facts, **changes})


def test_an_empty_ledger_serves_nothing(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert promotions.current(session) is None


def test_promoting_moves_the_epoch_by_one_and_remembers_what_was_served(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a", kind="first")
    with sessions.begin() as session:
        promoted(session, 1, "b")
    with sessions() as session:
        newest = promotions.current(session)
        assert newest is not None
        assert (newest.epoch, newest.models, newest.previous) == (2, {"fusion": "b"}, {"fusion": "a"})
        assert newest.gate_report == {"outcome": "promote"}
        assert newest.created_at is not None
        assert [row.epoch for row in promotions.history(session)] == [2, 1]


def test_promoting_from_a_stale_epoch_changes_nothing(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a")
        promoted(session, 1, "b")
    with pytest.raises(EpochMoved) as stale, sessions.begin() as session:
        promoted(session, 1, "c")
    assert (stale.value.expected, stale.value.found) == (1, 2)
    with sessions() as session:
        assert promotions.current(session).models == {"fusion": "b"}


def test_an_epoch_that_was_never_reached_cannot_be_expected(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(EpochMoved), sessions.begin() as session:
        promoted(session, 5, "a")


def test_a_release_of_no_model_is_a_mistake(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session, pytest.raises(ValueError, match="at least one model"):
        promoted(session, 0, "a", models={})


def test_of_many_writers_at_once_exactly_one_moves_the_epoch(sessions: sessionmaker[Session]) -> None:
    start, outcomes = threading.Barrier(6), []

    def race(name: str) -> None:
        start.wait()
        try:
            with sessions.begin() as session:
                promoted(session, 0, name)
            outcomes.append("won")
        except EpochMoved:
            outcomes.append("moved")

    threads = [threading.Thread(target=race, args=(f"model-{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved"] * 5 + ["won"]
    with sessions() as session:
        assert [row.epoch for row in promotions.history(session)] == [1]


def test_a_writer_that_looked_before_the_other_committed_loses_by_the_primary_key(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a")
    monkeypatch.setattr(promotions, "current", lambda session: None)
    with pytest.raises(EpochMoved), sessions.begin() as session:
        promoted(session, 0, "b")
    monkeypatch.undo()
    with sessions() as session:
        assert promotions.current(session).models == {"fusion": "a"}


def test_rolling_back_writes_a_new_epoch_with_the_previous_models(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a", gate_report={"weighted_f1": 0.7})
        promoted(session, 1, "b", taxonomy_version="taxonomy-two")
    with sessions.begin() as session:
        back = promotions.roll_back(session, expected_epoch=2, actor="admin", reason="complaints")
        assert (back.epoch, back.kind, back.models, back.previous) == (3, "rollback", {"fusion": "a"}, {"fusion": "b"})
        assert (back.run_id, back.manifest, back.taxonomy_version) == ("run-a", 1, "taxonomy-one")
        assert back.gate_report == {"weighted_f1": 0.7}


def test_rolling_back_twice_with_the_same_expectation_happens_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a")
        promoted(session, 1, "b")
        promotions.roll_back(session, expected_epoch=2, actor="admin", reason="complaints")
    with pytest.raises(EpochMoved), sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=2, actor="admin", reason="complaints")


def test_the_first_release_cannot_be_rolled_back(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(NothingToRollBack), sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=0, actor="admin", reason="complaints")
    with sessions.begin() as session:
        promoted(session, 0, "a")
    with pytest.raises(NothingToRollBack), sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=1, actor="admin", reason="complaints")


def test_every_move_of_the_epoch_leaves_an_audit_row(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        promoted(session, 0, "a")
    with sessions() as session:
        row = session.query(Audit).one()
        assert (row.actor, row.action, row.subject) == ("job", "promote", "release/1")
