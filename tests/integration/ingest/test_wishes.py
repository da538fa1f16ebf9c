"""A person's wish for a retraining: at most one waits, one run takes it, and it ends with a judgement."""

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError

from core.db.models import Audit, RetrainRequest
from core.db.repositories import judgements, retrain_requests
from core.db.repositories.judgements import Judgement
from core.db.session import transact
from core.settings import LoopSettings
from preprocessing.ingest.append import is_due, is_unjudged, take_request
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.shop import REVIEWER, Shop


def ask(shop: Shop, reason: str = "new categories") -> str:
    return transact(shop.sessions, lambda session: retrain_requests.ask(session, account_id=REVIEWER, reason=reason))


def patiently(task: Callable[[int], object], turn: int) -> None:
    """As a client does that is told 503: a deadlock that the edge's one retry did not end is asked again."""
    for _ in range(4):
        with contextlib.suppress(OperationalError):
            task(turn)
            return
    task(turn)


def judge(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        said = Judgement(1, "refuse", 1, None, "run", 0.6, 0.7, {})
        judgements.record(session, package="a" * 64, judgement=said, gated=True)


def requests(shop: Shop) -> list[tuple[str, int | None, str | None]]:
    with shop.sessions() as session:
        return [(row.reason, row.waiting, row.run_key) for row in session.query(RetrainRequest)]


def test_who_asks_while_one_waits_gets_the_same_one(shop: Shop) -> None:
    assert ask(shop) == ask(shop, "I am impatient")
    assert requests(shop) == [("new categories", 1, None)]
    with shop.sessions() as session:
        assert [row.action for row in session.query(Audit).filter(Audit.subject.like("retrain/%"))] == ["ask_retrain"]


def test_a_job_may_ask_too_and_people_meet_its_wish(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        first = retrain_requests.ask(session, reason="accuracy fell to 0.61")
    assert ask(shop, "I saw it too") == first
    with shop.sessions() as session:
        wish = retrain_requests.newest(session)
        assert (wish.request.id, wish.requested_by, wish.request.reason) == (first, None, "accuracy fell to 0.61")
        assert [row.actor for row in session.query(Audit).filter_by(action="ask_retrain")] == ["watch_quality"]


def test_of_many_who_ask_at_once_all_get_the_same_one(shop: Shop) -> None:
    start, ids = threading.Barrier(8), []

    def race() -> None:
        start.wait()
        ids.append(ask(shop))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ids), len(set(ids)), len(requests(shop))) == (8, 1, 1)


def test_a_wish_makes_a_run_due_without_a_row(shop: Shop) -> None:
    assert not is_due(shop.sessions, LoopSettings(), "monday")
    ask(shop)
    assert is_due(shop.sessions, LoopSettings(), "monday")


def test_a_run_takes_a_wish_once_and_has_it_when_it_comes_again(shop: Shop) -> None:
    assert take_request(shop.sessions, "sunday") is False
    ask(shop)
    assert [take_request(shop.sessions, key) for key in ("monday", "monday", "tuesday")] == [True, True, False]
    assert requests(shop) == [("new categories", None, "monday")]
    assert not is_due(shop.sessions, LoopSettings(), "tuesday")


def test_of_many_runs_at_once_one_takes_the_wish(shop: Shop) -> None:
    ask(shop)
    start, taken = threading.Barrier(6), []

    def race(key: str) -> None:
        start.wait()
        taken.append(take_request(shop.sessions, key))

    threads = [threading.Thread(target=race, args=(f"run-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


def test_while_wishes_come_and_runs_take_them_none_is_lost(shop: Shop) -> None:
    start, asked, broken = threading.Barrier(6), [], []

    def work(task: Callable[[int], object]) -> None:
        start.wait()
        try:
            for turn in range(8):
                patiently(task, turn)
        except Exception as error:  # told by the test, not by the thread
            broken.append(error)

    askers = [threading.Thread(target=work, args=(lambda turn: asked.append(ask(shop)),)) for _ in range(4)]
    takers = [
        threading.Thread(target=work, args=(lambda turn, name=name: take_request(shop.sessions, f"{name}-{turn}"),))
        for name in ("one", "two")
    ]
    for thread in (*askers, *takers):
        thread.start()
    for thread in (*askers, *takers):
        thread.join()
    assert broken == []
    with shop.sessions() as session:
        kept = {row.id: row for row in session.query(RetrainRequest)}
    assert set(asked) == set(kept)
    assert [row for row in kept.values() if (row.waiting is None) != (row.run_key is not None)] == []
    assert sum(row.waiting is not None for row in kept.values()) <= 1
    assert len({row.run_key for row in kept.values()}) == len(kept)  # a run takes one


def test_a_wish_is_answered_by_the_first_judgement_after_it_was_taken(shop: Shop) -> None:
    judge(shop)
    ask(shop)
    assert not is_unjudged(shop.sessions)  # it waits: nothing has failed yet
    take_request(shop.sessions, "monday")
    assert is_unjudged(shop.sessions)
    judge(shop)
    assert not is_unjudged(shop.sessions)


def test_the_newest_judgement_of_a_package_is_what_is_said_of_it(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        for package, decision, champion, gated in (
            ("a", "grey", None, True),
            ("a", "promote", "c" * 64, True),
            ("a", "refuse", "a" * 64, True),  # beside itself
            ("b", "companion", None, False),
        ):
            said = Judgement(1, decision, 0, champion, None, 0.5, None, {"reasons": [decision]})
            judgements.record(session, package=package * 64, judgement=said, gated=gated)
    with shop.sessions() as session:
        found = judgements.newest_of(session, [letter * 64 for letter in "abc"])
        assert {package[0]: one.said.decision for package, one in found.items()} == {"a": "promote", "b": "companion"}
        assert found["a" * 64].said.gate == {"reasons": ["promote"]}
        assert judgements.newest_of(session, []) == {}
        since = judgements.first_since(session, datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
        assert (since.package, since.decision) == ("a" * 64, "grey")


@same_on_any_database
def test_a_run_that_has_a_wish_goes_on_to_train_on_the_newest_snapshot(shop: Shop) -> None:
    assert shop.run("append", "--run-key", "sunday", "--if-due")[0] == 99
    ask(shop)
    assert shop.run("append", "--run-key", "by hand")[0] == 99  # no training follows: the wish goes on waiting
    for _ in range(2):
        status, out, _ = shop.run("append", "--run-key", "monday", "--if-due")
        assert (status, json.loads(out)) == (0, {"segment": None, "rows": 0, "retractions": 0, "manifest": 1})
    judge(shop)
    assert shop.run("append", "--run-key", "tuesday", "--if-due")[0] == 99


@same_on_any_database
def test_a_wish_takes_what_waits_with_it_however_little(shop: Shop) -> None:
    shop.validated("Livre")
    assert shop.run("append", "--run-key", "sunday", "--if-due")[0] == 99
    ask(shop)
    status, out, _ = shop.run("append", "--run-key", "monday", "--if-due")
    assert (status, json.loads(out)["rows"]) == (0, 1)
    assert requests(shop) == [("new categories", None, "monday")]


@same_on_any_database
@pytest.mark.parametrize("failpoint", ["append.claimed:1:kill", "append.published:1:kill", "append.marked:1:kill"])
def test_a_run_that_is_killed_loses_no_wish(shop: Shop, failpoint: str) -> None:
    shop.validated("Livre")
    ask(shop)
    shop.run("append", "--run-key", "monday", "--if-due", failpoint=failpoint)
    status, out, _ = shop.run("append", "--run-key", "monday", "--if-due")
    assert (status, json.loads(out)["rows"]) == (0, 1)
    assert requests(shop) == [("new categories", None, "monday")]
