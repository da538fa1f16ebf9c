"""DELETE /predictions/{id}: deleted where it was never stored, retracted and blanked where it was."""

import threading
from typing import Any

import pytest

from core.db.models import Audit, Outbox, Prediction, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> str:
    return service.predict(customer, "a book", description="read twice")["id"]


def decide(service: Service, headers: dict[str, str], an_id: str, *, accept: bool = True) -> None:
    answer = service.http.post(f"/predictions/{an_id}/validate", json={"accept": accept}, headers=headers)
    assert answer.status_code == 200


def delete(service: Service, headers: dict[str, str], an_id: str) -> Any:
    return service.http.delete(f"/predictions/{an_id}", headers=headers)


def status_seen(service: Service, headers: dict[str, str], an_id: str) -> int:
    return service.http.get(f"/predictions/{an_id}", headers=headers).status_code


def is_blank(row: Prediction) -> bool:
    return (row.designation, row.description, row.image_sha256) == ("", None, None)


@pytest.mark.parametrize("undone", [False, True])
def test_a_rejected_product_goes_with_its_archive_work(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str, undone: bool
) -> None:
    decide(service, reviewer, made, accept=False)
    if undone:
        service.http.post(f"/predictions/{made}/undo", headers=reviewer)
    assert delete(service, customer, made).status_code == 204
    assert [service.rows(table) for table in (Prediction, Outbox, Verdict)] == [[], [], []]
    assert service.rows(Audit)[-1].action == "delete"


def test_a_validated_product_that_nobody_claimed_is_blank_at_once(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str
) -> None:
    decide(service, reviewer, made)
    assert delete(service, customer, made).status_code == 204
    (row,) = service.rows(Prediction)
    assert (row.status, row.erase_requested_at is None, is_blank(row)) == ("retracted", False, True)
    assert service.rows(Outbox) == []
    assert [verdict.action for verdict in service.rows(Verdict)] == ["validate", "retract"]


@pytest.mark.parametrize("marked", [False, True])
def test_a_claimed_product_is_blank_when_its_retraction_is_marked(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str, marked: bool
) -> None:
    decide(service, reviewer, made)
    claimed = loop.claim(service)
    if marked:
        loop.mark(service, claimed)
    assert delete(service, customer, made).status_code == 202
    assert status_seen(service, customer, made) == 404
    assert [row.urgent for row in service.rows(Outbox)] == [False, False]
    if not marked:
        loop.mark(service, claimed)
    assert not is_blank(service.rows(Prediction)[0])
    loop.ingest_all(service)
    (row,) = service.rows(Prediction)
    assert (row.status, is_blank(row)) == ("retracted", True)


def test_a_retracted_product_is_blank_at_once_when_no_batch_needs_it(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    decide(service, reviewer, made)
    loop.ingest_all(service)
    service.http.post(f"/predictions/{made}/retract", headers=admin)
    loop.ingest_all(service)
    assert delete(service, customer, made).status_code == 204
    assert is_blank(service.rows(Prediction)[0])


def test_a_reopened_product_that_the_store_has_had_keeps_its_trace_and_nothing_else(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    decide(service, reviewer, made)
    loop.ingest_all(service)
    for verb in ("retract", "undo"):
        service.http.post(f"/predictions/{made}/{verb}", headers=admin)
    assert delete(service, customer, made).status_code == 202
    loop.ingest_all(service)
    (row,) = service.rows(Prediction)
    assert (row.status, is_blank(row)) == ("retracted", True)


def test_an_erased_product_is_gone_for_all_but_admins_and_cannot_come_back(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    decide(service, reviewer, made)
    loop.ingest_all(service)
    delete(service, customer, made)
    assert [status_seen(service, headers, made) for headers in (customer, reviewer, admin)] == [404, 404, 200]
    for headers in (customer, reviewer):
        assert service.http.get("/predictions", headers=headers).json()["items"] == []
        assert service.http.get(f"/predictions/{made}/history", headers=headers).status_code == 404
    answer = service.http.post(f"/predictions/{made}/undo", headers=admin)
    assert (answer.status_code, problem(answer)["code"]) == (409, "review.erased")


def test_erasing_twice_changes_nothing_more(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: str
) -> None:
    decide(service, reviewer, made)
    loop.ingest_all(service)
    assert delete(service, customer, made).status_code == 202
    assert delete(service, customer, made).status_code == 404
    assert delete(service, admin, made).status_code == 202
    loop.ingest_all(service)
    assert delete(service, admin, made).status_code == 204
    assert len(service.rows(Verdict)) == 2


def test_a_reviewer_deletes_what_is_pending_and_nothing_else(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: str
) -> None:
    pending = service.predict(customer, "a lamp")["id"]
    decide(service, reviewer, made)
    assert delete(service, reviewer, pending).status_code == 204
    answer = delete(service, reviewer, made)
    assert (answer.status_code, problem(answer)["code"]) == (403, "account.role_too_low")
    assert len(service.rows(Outbox)) == 1


def test_a_repeated_upload_of_an_erased_product_does_not_bring_it_back(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    named = {**customer, "Idempotency-Key": "upload-1"}
    made = service.predict(named, "a book")["id"]
    decide(service, reviewer, made)
    delete(service, customer, made)
    answer = service.http.post("/predict", data={"designation": "a book"}, headers=named)
    assert (answer.status_code, problem(answer)["code"]) == (409, "prediction.erased")
    assert len(service.rows(Prediction)) == 1


def test_deleting_and_deciding_at_once_leave_one_consistent_end(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = [service.predict(customer, f"a lamp {n}")["id"] for n in range(10)]
    together = threading.Barrier(4)
    deletions: list[tuple[str, int]] = []
    decisions: list[int] = []

    def work(number: int) -> None:
        together.wait()
        for one in made:
            if number < 2:
                deletions.append((one, delete(service, (customer, admin)[number], one).status_code))
            else:
                path, body = (("/validate", {"accept": True}), ("", {"prdtypecode": 40}))[number - 2]
                method = "POST" if path else "PATCH"
                answer = service.http.request(method, f"/predictions/{one}{path}", json=body, headers=reviewer)
                decisions.append(answer.status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for _, status in deletions} | set(decisions) <= {200, 202, 204, 404, 409}
    kept = {row.id: row for row in service.rows(Prediction)}
    assert {verdict.prediction_id for verdict in service.rows(Verdict)} == kept.keys()
    erased = {one for one, status in deletions if status in (202, 204)}
    # Both deletions of a product may be told that somebody else was faster; then it is still there.
    assert {row.id for row in kept.values() if row.status == "retracted" and is_blank(row)} == kept.keys() & erased
    accepted = {row.id for row in kept.values() if row.status == "validated"}
    assert sorted(work.prediction_id for work in service.rows(Outbox)) == sorted(accepted)
