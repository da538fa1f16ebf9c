"""POST /predictions/{id}/undo: until a batch has claimed it, a verdict can be taken back as if it had not been."""

import threading
from typing import Any

import pytest

from core.db.models import Audit, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> str:
    return service.predict(customer, "a book")["id"]


def post(service: Service, headers: dict[str, str], an_id: str, verb: str, **body: Any) -> Any:
    return service.http.post(f"/predictions/{an_id}/{verb}", json=body, headers=headers)


@pytest.mark.parametrize("accept", [True, False])
def test_an_unclaimed_verdict_is_undone_with_its_work(
    service: Service, reviewer: dict[str, str], made: str, accept: bool
) -> None:
    post(service, reviewer, made, "validate", accept=accept)
    answer = post(service, reviewer, made, "undo", reason="too quick")
    body = answer.json()
    assert (answer.status_code, body["status"], body["version"]) == (200, "pending", 3)
    assert answer.headers["etag"] == '"3"'
    assert loop.work_of(service, made) == []
    decided = "validate" if accept else "reject"
    assert [(v.action, v.prediction_version) for v in service.rows(Verdict)] == [(decided, 2), ("undo", 3)]
    assert [a.action for a in service.rows(Audit) if a.subject == f"prediction/{made}"] == [decided, "undo"]


def test_an_undone_product_can_be_decided_again_and_leaves_one_piece_of_work(
    service: Service, reviewer: dict[str, str], made: str
) -> None:
    for verb, body in (("validate", {"accept": True}), ("undo", {}), ("validate", {"accept": True, "prdtypecode": 40})):
        assert post(service, reviewer, made, verb, **body).status_code == 200
    assert loop.work_of(service, made) == [("append", 4, False, False)]


def test_undoing_keeps_the_code_that_was_accepted_and_the_suggestion(
    service: Service, reviewer: dict[str, str], made: str
) -> None:
    post(service, reviewer, made, "validate", accept=True, prdtypecode=40)
    body = post(service, reviewer, made, "undo").json()
    assert (body["prdtypecode"], body["suggested_code"]) == (40, 10)


@pytest.mark.parametrize("marked", [False, True])
def test_a_claimed_verdict_is_409_and_nothing_moves(
    service: Service, reviewer: dict[str, str], made: str, marked: bool
) -> None:
    post(service, reviewer, made, "validate", accept=True)
    claimed = loop.claim(service)
    if marked:
        loop.mark(service, claimed)
    answer = post(service, reviewer, made, "undo")
    assert answer.status_code == 409
    assert problem(answer)["code"] == "review.already_claimed"
    assert loop.work_of(service, made) == [("append", 2, True, marked)]
    assert [v.action for v in service.rows(Verdict)] == ["validate"]
    assert service.http.get(f"/predictions/{made}", headers=reviewer).json()["version"] == 2


def test_a_pending_product_has_nothing_to_undo(service: Service, reviewer: dict[str, str], made: str) -> None:
    answer = post(service, reviewer, made, "undo")
    assert answer.status_code == 409
    assert problem(answer)["code"] == "review.not_decided"


def test_a_retracted_product_is_reopened_by_admins_only(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    post(service, reviewer, made, "validate", accept=True)
    loop.ingest_all(service)
    post(service, admin, made, "retract")
    refused = post(service, reviewer, made, "undo")
    assert (refused.status_code, problem(refused)["code"]) == (403, "account.role_too_low")
    body = post(service, admin, made, "undo").json()
    assert (body["status"], body["version"]) == ("pending", 4)
    assert loop.work_of(service, made) == [("append", 2, True, True), ("retract", 3, False, False)]
    assert service.rows(Verdict)[-1].action == "reopen"


def test_undoing_while_a_batch_is_claimed_ends_in_one_of_two_ways(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = [service.predict(customer, f"a book {n}")["id"] for n in range(12)]
    for one in made:
        post(service, reviewer, one, "validate", accept=True)
    together = threading.Barrier(3)
    statuses: dict[str, int] = {}

    def undo(mine: list[str]) -> None:
        together.wait()
        for one in mine:
            statuses[one] = post(service, reviewer, one, "undo").status_code

    def take() -> None:
        together.wait()
        loop.claim(service)

    threads = [threading.Thread(target=undo, args=(half,)) for half in (made[:6], made[6:])]
    threads.append(threading.Thread(target=take))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses.values()) <= {200, 409}
    for one in made:
        status = service.http.get(f"/predictions/{one}", headers=reviewer).json()["status"]
        undone = statuses[one] == 200
        assert status == ("pending" if undone else "validated")
        assert loop.work_of(service, one) == ([] if undone else [("append", 2, True, False)])
