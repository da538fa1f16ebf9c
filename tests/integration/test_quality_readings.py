"""Readings and episodes in the database: a run reads once, and of runs at once one tells."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import QualityEpisode, QualityReading
from core.db.repositories import quality
from core.db.repositories.quality import Reading
from core.db.session import make_sessions, transact
from core.domain.watch import Finding, Step, Watched

LOW = Reading(Watched.ACCURACY, "a" * 64, 200, "17", 0.55, 0.7, Finding.ALARM, {"covered": 1.0}, low=0.48, high=0.62)


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


def move(sessions: sessionmaker[Session], finding: Finding, run_key: str) -> Step:
    return transact(sessions, lambda session: quality.move_episode(session, Watched.TEXT, finding, run_key))


def told_a_day_ago(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        row = session.get_one(QualityEpisode, "text")
        row.told_at -= timedelta(days=1)


def test_a_reading_is_given_back_as_it_was_written(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        quality.record(session, "monday", LOW)
    with sessions() as session:
        row = quality.newest(session)[Watched.ACCURACY]
        assert (row.value, row.low, row.high, row.finding, row.detail) == (0.55, 0.48, 0.62, "alarm", {"covered": 1.0})
        assert list(quality.of_run(session, "monday")) == [Watched.ACCURACY]
        assert [one.id for one in quality.page(session, kind=Watched.ACCURACY, before=2**31, limit=5)] == [row.id]
        assert quality.page(session, kind=Watched.TEXT, before=2**31, limit=5) == []
        assert [one.id for one in quality.between(session, row.at, row.at + timedelta(seconds=1))] == [row.id]


def test_a_run_reads_each_kind_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        quality.record(session, "monday", LOW)
    with pytest.raises(IntegrityError), sessions.begin() as session:
        quality.record(session, "monday", LOW)


def test_old_readings_are_forgotten(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        quality.record(session, "long ago", LOW)
        row = quality.newest(session)[Watched.ACCURACY]
        row.at -= quality.KEPT + timedelta(days=1)
    with sessions.begin() as session:
        quality.record(session, "monday", LOW)
    with sessions() as session:
        assert [row.run_key for row in session.query(QualityReading)] == ["monday"]


def test_an_episode_is_told_once_daily_and_again_after_a_recovery(sessions: sessionmaker[Session]) -> None:
    assert move(sessions, Finding.ALARM, "one") is Step.BEGIN
    assert move(sessions, Finding.ALARM, "two") is Step.NOTHING
    told_a_day_ago(sessions)
    assert move(sessions, Finding.UNSURE, "three") is Step.NOTHING
    assert move(sessions, Finding.ALARM, "four") is Step.TELL_AGAIN
    assert move(sessions, Finding.WELL, "five") is Step.END
    assert move(sessions, Finding.ALARM, "six") is Step.BEGIN
    with sessions() as session:
        assert [(one.kind, one.told, one.ended_at) for one in quality.episodes(session)] == [("text", 1, None)]
        assert [quality.told_by(session, key) for key in ("one", "five", "six")] == [[], [], [Watched.TEXT]]


@pytest.mark.parametrize("last", [None, Finding.WELL, Finding.ALARM], ids=["first", "recovered", "a day old"])
def test_of_many_runs_at_once_one_tells(sessions: sessionmaker[Session], last: Finding | None) -> None:
    if last is not None:
        move(sessions, Finding.ALARM, "before")
        move(sessions, last, "before")
        told_a_day_ago(sessions)
    start, steps = threading.Barrier(6), []

    def race(key: str) -> None:
        start.wait()
        steps.append(move(sessions, Finding.ALARM, key))

    threads = [threading.Thread(target=race, args=(f"run-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Step.TELL_AGAIN if last is Finding.ALARM else Step.BEGIN
    assert sorted(steps) == sorted([told] + [Step.NOTHING] * 5)
