"""POST and GET /retrain: kept before it is answered, once, and carried out by the next run."""

import threading
from typing import Any

import pytest

from api.serving.airflow import AirflowDown
from api.serving.wake import Waker
from core.db.models import Audit, RetrainRequest
from core.db.repositories import judgements, retrain_requests
from core.db.repositories.judgements import Judgement
from core.db.session import transact
from core.domain.roles import Role
from core.settings import LoopSettings
from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database

WHY = {"reason": "a new supplier's catalogue"}


def ask(service: Service, headers: dict[str, str], **body: Any) -> Any:
    return service.http.post("/retrain", json=body or WHY, headers=headers)


def take(service: Service, run_key: str) -> None:
    assert transact(service.app.state.parts.sessions, lambda session: retrain_requests.take(session, run_key))


def judge(service: Service) -> None:
    with service.app.state.parts.sessions.begin() as session:
        said = Judgement(2, "promote", 1, None, "run", 0.8, 0.7, {})
        judgements.record(session, package="a" * 64, judgement=said, gated=True)


def test_a_wish_is_kept_and_the_second_gets_the_same_one(service: Service, admin: dict[str, str]) -> None:
    first = ask(service, admin)
    assert first.status_code == 202, first.text
    assert (first.json()["state"], first.json()["reason"]) == ("waiting", WHY["reason"])
    assert (first.json()["requested_by"], first.json()["run_key"]) == ("ada", None)
    second = ask(service, admin, reason="I am impatient")
    assert (second.status_code, second.json()) == (202, first.json())
    assert service.http.get("/retrain", headers=admin).json() == first.json()
    assert len(service.rows(RetrainRequest)) == 1
    assert [row.action for row in service.rows(Audit) if row.subject.startswith("retrain/")] == ["ask_retrain"]


def test_a_wish_of_a_job_has_nobodys_name(service: Service, admin: dict[str, str]) -> None:
    transact(service.app.state.parts.sessions, lambda session: retrain_requests.ask(session, reason="accuracy fell"))
    body = service.http.get("/retrain", headers=admin).json()
    assert (body["state"], body["requested_by"], body["reason"]) == ("waiting", None, "accuracy fell")


def test_of_many_admins_at_once_all_get_one_wish(service: Service) -> None:
    names = [f"admin-{number}" for number in range(6)]
    for name in names:
        service.hire(name, Role.ADMIN)
    people = [service.sign_in(name) for name in names]
    start, answers = threading.Barrier(6), []

    def race(headers: dict[str, str]) -> None:
        start.wait()
        answers.append(ask(service, headers))

    threads = [threading.Thread(target=race, args=(headers,)) for headers in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(service.rows(RetrainRequest)) == 1


def test_its_state_tells_how_far_it_has_come(service: Service, admin: dict[str, str], reviewer: dict[str, str]) -> None:
    def state() -> tuple[Any, ...]:
        body = service.http.get("/retrain", headers=reviewer).json()
        return body["state"], body["run_key"], body["decision"], body["package"]

    judge(service)  # of another run, before
    ask(service, admin)
    assert state() == ("waiting", None, None, None)
    take(service, "scheduled__2026")
    assert state() == ("taken", "scheduled__2026", None, None)
    judge(service)
    assert state() == ("judged", "scheduled__2026", "promote", "a" * 64)
    again = ask(service, admin)
    assert (again.json()["state"], len(service.rows(RetrainRequest))) == ("waiting", 2)
    assert state()[0] == "waiting"


def test_a_wish_rings_the_orchestrator_and_waits_for_it(service: Service, admin: dict[str, str]) -> None:
    heard: list[int] = []

    def announce(rows: int) -> None:
        if not awake:
            raise AirflowDown("refused")
        heard.append(rows)

    awake = False
    waker = Waker(service.app.state.parts.readers, announce, LoopSettings())
    assert waker.look() is False
    assert ask(service, admin).status_code == 202  # with the orchestrator down
    assert waker.look() is False
    awake = True
    assert [waker.look(), waker.look()] == [True, False]
    take(service, "monday")
    ask(service, admin)
    assert waker.look() is True
    assert heard == [0, 0]


@same_on_any_database
def test_before_the_first_wish_there_is_none(service: Service, reviewer: dict[str, str]) -> None:
    answer = service.http.get("/retrain", headers=reviewer)
    assert (answer.status_code, problem(answer)["code"]) == (404, "retrain.never_requested")


@same_on_any_database
@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 1}, {**WHY, "full": True}])
def test_a_wish_without_a_reason_is_refused(service: Service, admin: dict[str, str], body: dict[str, Any]) -> None:
    answer = service.http.post("/retrain", json=body, headers=admin)
    assert answer.status_code == 422
    assert service.rows(RetrainRequest) == []


@same_on_any_database
def test_only_admins_ask_and_only_staff_see(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    assert [ask(service, headers).status_code for headers in ({}, customer, reviewer)] == [401, 403, 403]
    assert [service.http.get("/retrain", headers=headers).status_code for headers in ({}, customer)] == [401, 403]
    assert service.rows(RetrainRequest) == []
