"""POST and DELETE /predictions/{id}/feedback."""

import threading
from typing import Any

import pytest

from core.db.models import Audit, Prediction, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem

CONFIRMED: dict[str, Any] = {"kind": "confirmed"}
PROPOSED: dict[str, Any] = {"kind": "proposed", "prdtypecode": 40, "reason": "it is a game"}
DISPUTED: dict[str, Any] = {"kind": "disputed", "reason": "=no"}


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> str:
    return service.predict(customer, "a book")["id"]


def say(service: Service, headers: dict[str, str], an_id: str, body: Any, **more: str) -> Any:
    return service.http.post(f"/predictions/{an_id}/feedback", json=body, headers={**headers, **more})


def decide(service: Service, headers: dict[str, str], an_id: str, verb: str, **body: Any) -> None:
    answer = service.http.post(f"/predictions/{an_id}/{verb}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("body", "code"), [(CONFIRMED, 10), (PROPOSED, 40), (DISPUTED, None)])
def test_the_sender_s_word_stands_beside_the_label_and_moves_nothing(
    service: Service, customer: dict[str, str], made: str, body: dict[str, Any], code: int | None
) -> None:
    answer = say(service, customer, made, body)
    assert answer.status_code == 200, answer.text
    said = answer.json()["feedback"]
    assert (said["kind"], said["prdtypecode"], said["reason"]) == (body["kind"], code, body.get("reason"))
    assert (answer.json()["status"], answer.json()["version"], answer.json()["prdtypecode"]) == ("pending", 1, 10)
    assert service.http.get(f"/predictions/{made}", headers=customer).json() == answer.json()
    assert service.rows(Verdict) == []
    trace = next(row for row in service.rows(Audit) if row.subject == f"prediction/{made}")
    assert (trace.action, trace.detail) == ("feedback", {"kind": body["kind"], "prdtypecode": code})


def test_reviewers_find_what_is_disputed(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str
) -> None:
    service.predict(customer)
    say(service, customer, made, DISPUTED)
    items = service.http.get("/predictions", params={"feedback": "disputed"}, headers=reviewer).json()["items"]
    assert [item["id"] for item in items] == [made]


def test_a_dispute_waits_until_somebody_decides_again(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    def waiting() -> list[str]:
        query = {"feedback": "disputed", "unanswered": "true"}
        return [item["id"] for item in service.http.get("/predictions", params=query, headers=admin).json()["items"]]

    decide(service, reviewer, made, "validate", accept=True)
    loop.ingest_all(service)
    assert waiting() == []
    say(service, customer, made, DISPUTED)
    assert waiting() == [made]
    decide(service, admin, made, "correct", prdtypecode=40)
    assert waiting() == []
    say(service, customer, made, DISPUTED)
    assert waiting() == [made]


def test_the_newest_word_replaces_the_one_before_and_can_be_taken_back(
    service: Service, customer: dict[str, str], made: str
) -> None:
    say(service, customer, made, PROPOSED)
    assert say(service, customer, made, CONFIRMED).json()["feedback"]["reason"] is None
    for _ in range(2):
        assert service.http.delete(f"/predictions/{made}/feedback", headers=customer).status_code == 204
    assert service.http.get(f"/predictions/{made}", headers=customer).json()["feedback"] is None
    actions = [row.action for row in service.rows(Audit) if row.subject == f"prediction/{made}"]
    assert actions == ["feedback", "feedback", "withdraw"]


def test_only_its_sender_may_speak_and_to_everybody_else_it_does_not_exist(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    theirs = service.predict(reviewer)["id"]
    for headers, an_id in ((customer, theirs), (reviewer, made), (admin, made), (customer, "x"), (customer, "%00")):
        for answer in (
            say(service, headers, an_id, DISPUTED),
            service.http.delete(f"/predictions/{an_id}/feedback", headers=headers),
        ):
            assert (answer.status_code, problem(answer)["code"]) == (404, "prediction.not_found")


@pytest.mark.parametrize(
    ("verbs", "sayable"),
    [
        (["validate"], {"confirmed", "disputed"}),
        (["validate", "ingest"], {"confirmed", "disputed"}),
        (["reject"], {"disputed"}),
        (["validate", "ingest", "retract"], set()),
    ],
    ids=lambda given: str(sorted(given) if isinstance(given, set) else given),  # alike in every process
)
def test_what_may_be_said_follows_from_where_the_product_stands(
    service: Service,
    customer: dict[str, str],
    reviewer: dict[str, str],
    admin: dict[str, str],
    made: str,
    verbs: list[str],
    sayable: set[str],
) -> None:
    steps = {
        "validate": lambda: decide(service, reviewer, made, "validate", accept=True),
        "reject": lambda: decide(service, reviewer, made, "validate", accept=False),
        "ingest": lambda: loop.ingest_all(service),
        "retract": lambda: decide(service, admin, made, "retract"),
    }
    for verb in verbs:
        steps[verb]()
    before = service.rows(Prediction)[0].version
    for body in (CONFIRMED, PROPOSED, DISPUTED):
        answer = say(service, customer, made, body)
        assert answer.status_code == (200 if body["kind"] in sayable else 409)
        if answer.status_code == 409:
            assert problem(answer)["code"] == "feedback.not_sayable"
    assert service.rows(Prediction)[0].version == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "angry"},
        {"kind": "proposed"},
        {"kind": "confirmed", "prdtypecode": 10},
        {"kind": "disputed", "prdtypecode": 11},
        {"kind": "proposed", "prdtypecode": "40"},
        {"kind": "proposed", "prdtypecode": True},
        {"kind": "proposed", "prdtypecode": 40.0},
        {"kind": "proposed", "prdtypecode": -1},
        {"kind": "proposed", "prdtypecode": 2**63},
        {"kind": "disputed", "reason": "x" * 501},
        {"kind": "disputed", "reason": "a\x00b"},
        {"kind": "disputed", "status": "validated"},
        [],
        None,
        "disputed",
    ],
    ids=str,
)
def test_a_word_that_breaks_a_rule_is_422_and_leaves_no_trace(
    service: Service, customer: dict[str, str], made: str, body: Any
) -> None:
    answer = say(service, customer, made, body)
    assert answer.status_code == 422
    problem(answer)
    assert service.rows(Prediction)[0].feedback is None
    assert [row for row in service.rows(Audit) if row.subject == f"prediction/{made}"] == []


def test_a_word_about_an_older_version_is_412(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str
) -> None:
    service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer)
    stale = {"If-Match": '"1"'}
    answer = say(service, customer, made, CONFIRMED, **stale)
    assert (answer.status_code, problem(answer)["code"]) == (412, "review.stale_version")
    withdrawn = service.http.delete(f"/predictions/{made}/feedback", headers={**customer, **stale})
    assert withdrawn.status_code == 412
    assert say(service, customer, made, CONFIRMED, **{"If-Match": '"2"'}).json()["feedback"]["prdtypecode"] == 40


def test_a_copy_of_a_request_says_nothing_again(service: Service, customer: dict[str, str], made: str) -> None:
    named = {"Idempotency-Key": "say-1"}
    say(service, customer, made, PROPOSED, **named)
    say(service, customer, made, CONFIRMED)
    assert say(service, customer, made, PROPOSED, **named).json()["feedback"]["kind"] == "confirmed"
    answer = say(service, customer, made, DISPUTED, **named)
    assert problem(answer)["code"] == "request.idempotency_key_reused"


def test_of_an_erased_product_nothing_can_be_said(
    service: Service, customer: dict[str, str], admin: dict[str, str], reviewer: dict[str, str]
) -> None:
    """Not even by an admin who sent it and still sees that it goes."""
    mine = service.predict(admin)["id"]
    decide(service, reviewer, mine, "validate", accept=True)
    loop.ingest_all(service)
    assert service.http.delete(f"/predictions/{mine}", headers=admin).status_code == 202
    assert say(service, admin, mine, DISPUTED).status_code == 404


def test_what_was_said_goes_with_the_product(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str
) -> None:
    say(service, customer, made, PROPOSED)
    decide(service, reviewer, made, "validate", accept=True)
    assert service.http.delete(f"/predictions/{made}", headers=customer).status_code == 204
    assert service.rows(Prediction)[0].feedback_reason is None


def test_a_word_and_a_verdict_at_one_moment_lose_neither(service: Service, made: str) -> None:
    """The label is decided once, and the word is either kept or refused: it never undoes the verdict."""
    customer, reviewer = service.sign_in("carla"), service.sign_in("remy")
    products = [made, *(service.predict(customer, "a book")["id"] for _ in range(11))]
    answers: dict[str, list[int]] = {"say": [], "decide": []}
    barrier = threading.Barrier(2)

    def speak() -> None:
        barrier.wait()
        answers["say"] += [say(service, customer, an_id, PROPOSED).status_code for an_id in products]

    def judge() -> None:
        barrier.wait()
        for an_id in products:
            body = {"accept": True}
            answer = service.http.post(f"/predictions/{an_id}/validate", json=body, headers=reviewer)
            answers["decide"].append(answer.status_code)

    threads = [threading.Thread(target=work) for work in (speak, judge)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers["decide"] == [200] * 12
    kept = {row.id: row.feedback for row in service.rows(Prediction)}
    assert [kept[an_id] == "proposed" for an_id in products] == [status == 200 for status in answers["say"]]
    assert set(answers["say"]) <= {200, 409}
    assert {(row.status, row.version) for row in service.rows(Prediction)} == {("validated", 2)}
