"""POST /predictions/{id}/validate and PATCH /predictions/{id}."""

import threading
from collections import Counter
from typing import Any

import pytest
from anyio.to_thread import current_default_thread_limiter
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db.models import Audit, Outbox, Prediction, Verdict
from tests.integration.api.toys import PASSWORD, Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> str:
    return service.predict(customer, "a book")["id"]


def decide(service: Service, headers: dict[str, str], an_id: str, **body: Any) -> Any:
    return service.http.post(f"/predictions/{an_id}/validate", json=body, headers=headers)


def modify(service: Service, headers: dict[str, str], an_id: str, code: Any) -> Any:
    return service.http.patch(f"/predictions/{an_id}", json={"prdtypecode": code}, headers=headers)


def traces(service: Service, an_id: str) -> list[tuple[str, int | None]]:
    return [(row.action, row.version) for row in service.rows(Audit) if row.subject == f"prediction/{an_id}"]


def test_accepting_leaves_a_verdict_work_and_a_trace(service: Service, reviewer: dict[str, str], made: str) -> None:
    answer = decide(service, reviewer, made, accept=True, reason="plain")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["version"], body["prdtypecode"], body["suggested_code"]) == ("validated", 2, 10, 10)
    assert answer.headers["etag"] == '"2"'
    (verdict,) = service.rows(Verdict)
    assert (verdict.action, verdict.prdtypecode, verdict.reason, verdict.prediction_version) == (
        "validate",
        10,
        "plain",
        2,
    )
    (work,) = service.rows(Outbox)
    assert (work.prediction_id, work.version, work.kind, work.segment, work.done_at) == (made, 2, "append", None, None)
    assert traces(service, made) == [("validate", 2)]


def test_accepting_with_a_code_is_one_step(service: Service, reviewer: dict[str, str], made: str) -> None:
    body = decide(service, reviewer, made, accept=True, prdtypecode=2060).json()
    assert (body["status"], body["version"], body["prdtypecode"], body["label"]) == ("validated", 2, 2060, "Lamps")
    assert (body["suggested_code"], body["top_k"][0]["prdtypecode"]) == (10, 10)
    assert [verdict.prdtypecode for verdict in service.rows(Verdict)] == [2060]


def test_rejecting_leaves_work_for_the_archive_only(service: Service, reviewer: dict[str, str], made: str) -> None:
    body = decide(service, reviewer, made, accept=False, reason="not a product").json()
    assert (body["status"], body["version"], body["prdtypecode"]) == ("rejected", 2, 10)
    assert [(work.kind, work.version) for work in service.rows(Outbox)] == [("archive", 2)]
    assert traces(service, made) == [("reject", 2)]


def test_modifying_keeps_it_pending_and_the_suggestion_as_it_was(
    service: Service, reviewer: dict[str, str], made: str
) -> None:
    body = modify(service, reviewer, made, 40).json()
    assert (body["status"], body["version"], body["prdtypecode"], body["suggested_code"]) == ("pending", 2, 40, 10)
    assert service.rows(Outbox) == []


def test_modify_then_accept_takes_the_corrected_code(service: Service, reviewer: dict[str, str], made: str) -> None:
    modify(service, reviewer, made, 40)
    body = decide(service, reviewer, made, accept=True).json()
    assert (body["status"], body["version"], body["prdtypecode"]) == ("validated", 3, 40)
    assert [(row.action, row.prdtypecode) for row in service.rows(Verdict)] == [("modify", 40), ("validate", 40)]


@pytest.mark.parametrize("accept", [True, False])
def test_deciding_twice_is_409_and_leaves_one_piece_of_work(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: str, accept: bool
) -> None:
    assert decide(service, reviewer, made, accept=accept).status_code == 200
    for body in ({"accept": True}, {"accept": False}, {"accept": True, "prdtypecode": 40}):
        answer = decide(service, admin, made, **body)
        assert answer.status_code == 409
        assert problem(answer)["code"] == "review.not_pending"
    assert modify(service, admin, made, 40).status_code == 409
    assert len(service.rows(Outbox)) == 1
    assert len(service.rows(Verdict)) == 1


@pytest.mark.parametrize("code", [11, 0, 2**31 - 1])
def test_a_code_outside_the_taxonomy_is_422(service: Service, reviewer: dict[str, str], made: str, code: int) -> None:
    answers = [modify(service, reviewer, made, code), decide(service, reviewer, made, accept=True, prdtypecode=code)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert {problem(answer)["code"] for answer in answers} == {"taxonomy.unknown_code"}
    assert service.rows(Verdict) == []


def test_rejecting_with_a_code_is_422(service: Service, reviewer: dict[str, str], made: str) -> None:
    answer = decide(service, reviewer, made, accept=False, prdtypecode=40)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "review.code_with_rejection"


def test_a_suggestion_that_left_the_taxonomy_needs_another_code(
    service: Service, reviewer: dict[str, str], made: str
) -> None:
    path = service.app.state.parts.settings.store.root / "taxonomy.csv"
    path.write_text("prdtypecode,label,theme\n40,Games,Leisure\n", encoding="utf-8")
    assert decide(service, reviewer, made, accept=True).status_code == 422
    body = decide(service, reviewer, made, accept=True, prdtypecode=40).json()
    assert (body["prdtypecode"], body["top_k"][0]["label"]) == (40, "")


def test_a_customer_is_403_and_nobody_is_401(service: Service, customer: dict[str, str], made: str) -> None:
    for headers, status in ((customer, 403), ({}, 401)):
        for answer in (decide(service, headers, made, accept=True), modify(service, headers, made, 40)):
            assert answer.status_code == status
            problem(answer)
    assert service.rows(Verdict) == []


def test_an_unknown_prediction_is_404(service: Service, reviewer: dict[str, str]) -> None:
    unknown = "01900000-0000-7000-8000-000000000000"
    for answer in (decide(service, reviewer, unknown, accept=True), modify(service, reviewer, unknown, 40)):
        assert answer.status_code == 404
        problem(answer)


def test_if_match_guards_against_a_version_not_seen(service: Service, reviewer: dict[str, str], made: str) -> None:
    modify(service, reviewer, made, 40)
    stale = decide(service, {**reviewer, "If-Match": '"1"'}, made, accept=True)
    assert stale.status_code == 412
    assert problem(stale)["code"] == "review.stale_version"
    assert decide(service, {**reviewer, "If-Match": "one"}, made, accept=True).status_code == 422
    assert decide(service, {**reviewer, "If-Match": '"2"'}, made, accept=True).status_code == 200


def test_a_verdict_whose_commit_fails_leaves_nothing(service: Service, reviewer: dict[str, str], made: str) -> None:
    def fail(session: Session) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    maker = service.app.state.parts.sessions
    event.listen(maker, "before_commit", fail)
    try:
        answer = decide(service, reviewer, made, accept=True)
    finally:
        event.remove(maker, "before_commit", fail)
    assert answer.status_code == 503
    problem(answer)
    assert (service.rows(Verdict), service.rows(Outbox), traces(service, made)) == ([], [], [])
    assert [(row.status, row.version) for row in service.rows(Prediction)] == [("pending", 1)]
    assert decide(service, reviewer, made, accept=True).status_code == 200


def test_a_locked_database_is_503_and_leaves_nothing(
    service: Service, reviewer: dict[str, str], made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*arguments: Any, **more: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr("api.review.service.verdicts.record", locked)
    answer = decide(service, reviewer, made, accept=True)
    assert answer.status_code == 503
    assert problem(answer)["code"] == "database.unavailable"
    assert [(row.status, row.version) for row in service.rows(Prediction)] == [("pending", 1)]


def test_eight_reviewers_at_once_decide_each_row_exactly_once(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    rows = [service.predict(customer, f"lamp {n}")["id"] for n in range(30)]
    statuses: list[tuple[str, int]] = []
    together = threading.Barrier(8)

    def review_all(number: int) -> None:
        headers = (reviewer, admin)[number % 2]
        together.wait()
        for row in rows:
            body = {"accept": True, "prdtypecode": (10, 40, 2060)[number % 3]} if number % 4 else {"accept": False}
            statuses.append((row, decide(service, headers, row, **body).status_code))

    threads = [threading.Thread(target=review_all, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == Counter({**{(row, 200): 1 for row in rows}, **{(row, 409): 7 for row in rows}})
    assert len(service.rows(Outbox)) == len(service.rows(Verdict)) == 30
    assert {row.version for row in service.rows(Prediction)} == {2}


def test_threads_that_wait_for_a_lock_do_not_keep_its_holder_from_ending(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    """With as many requests as threads, an open transaction that needed another thread to end would never end."""
    assert service.http.portal is not None
    service.http.portal.call(lambda: setattr(current_default_thread_limiter(), "total_tokens", 2))
    statuses: list[int] = []

    def work(number: int) -> None:
        for _ in range(3):
            made = service.predict(customer, f"lamp {number}")["id"]
            statuses.append(decide(service, reviewer, made, accept=True).status_code)
            statuses.append(service.http.get("/predictions", headers=reviewer).status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 36


def test_no_answer_holds_a_password(service: Service, made: str, admin: dict[str, str]) -> None:
    listed = service.http.get("/predictions", headers=admin).text
    assert PASSWORD not in listed
    assert "$argon2" not in listed
