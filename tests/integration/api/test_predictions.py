"""GET and DELETE /predictions."""

from typing import Any

import pytest

from core.db.models import Audit, Prediction, Verdict
from tests.integration.api.toys import Service, problem

UNKNOWN = "01900000-0000-7000-8000-000000000000"


def pages(service: Service, headers: dict[str, str], **query: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        answer = service.http.get("/predictions", params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def test_a_customer_sees_their_own_and_staff_see_all(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    mine, theirs = service.predict(customer)["id"], service.predict(reviewer)["id"]
    assert [item["id"] for item in pages(service, customer)[0]] == [mine]
    for staff in (reviewer, admin):
        assert [item["id"] for item in pages(service, staff)[0]] == [theirs, mine]


def test_pages_cover_every_row_once_newest_first(service: Service, customer: dict[str, str]) -> None:
    made = [service.predict(customer, f"lamp {n}")["id"] for n in range(7)]
    found = pages(service, customer, limit=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [item["id"] for page in found for item in page] == made[::-1]


def test_pages_cover_every_row_once_least_certain_first(service: Service, reviewer: dict[str, str]) -> None:
    for length in (5, 3, 9, 3, 7, 3, 1):
        service.predict(reviewer, "x" * length)
    found = [item for page in pages(service, reviewer, limit=2, order="uncertain", status="pending") for item in page]
    assert [len(item["designation"]) for item in found] == [1, 3, 3, 3, 5, 7, 9]
    assert len({item["id"] for item in found}) == 7


def test_rows_that_leave_between_pages_shift_nothing(service: Service, reviewer: dict[str, str]) -> None:
    made = [service.predict(reviewer, f"lamp {n}")["id"] for n in range(4)]
    first = service.http.get("/predictions", params={"limit": 2, "status": "pending"}, headers=reviewer).json()
    service.http.post(f"/predictions/{made[3]}/validate", json={"accept": True}, headers=reviewer)
    query = {"limit": 2, "status": "pending", "cursor": first["next_cursor"]}
    second = service.http.get("/predictions", params=query, headers=reviewer).json()
    assert [item["id"] for item in second["items"]] == [made[1], made[0]]


def test_the_list_is_filtered_by_status(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> None:
    kept, decided = service.predict(customer)["id"], service.predict(customer)["id"]
    service.http.post(f"/predictions/{decided}/validate", json={"accept": True}, headers=reviewer)
    assert [item["id"] for item in pages(service, reviewer, status="pending")[0]] == [kept]
    assert [item["id"] for item in pages(service, reviewer, status="validated")[0]] == [decided]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "1e3"},
        {"status": "lost"},
        {"order": "random"},
        {"cursor": "!"},
        {"cursor": "bmV3ZXN0Ly94"},
        {"cursor": "x" * 257},
        {"cursor": "\x00"},
    ],
    ids=str,
)
def test_a_query_that_breaks_a_rule_is_422(service: Service, customer: dict[str, str], query: dict[str, Any]) -> None:
    answer = service.http.get("/predictions", params=query, headers=customer)
    assert answer.status_code == 422
    problem(answer)


def test_a_cursor_of_another_order_is_422(service: Service, customer: dict[str, str]) -> None:
    for _ in range(2):
        service.predict(customer)
    cursor = service.http.get("/predictions", params={"limit": 1}, headers=customer).json()["next_cursor"]
    answer = service.http.get("/predictions", params={"cursor": cursor, "order": "uncertain"}, headers=customer)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "request.bad_cursor"


@pytest.mark.parametrize("suffix", ["", "/image"])
def test_somebody_else_s_prediction_is_404_as_an_unknown_one_is(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], suffix: str
) -> None:
    theirs = service.predict(reviewer)["id"]
    answers = [service.http.get(f"/predictions/{an_id}{suffix}", headers=customer) for an_id in (theirs, UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert problem(answers[0])["detail"] == problem(answers[1])["detail"]


@pytest.mark.parametrize("an_id", ["1", "x" * 3000, "%00", "..%2F..%2Fetc", UNKNOWN.upper(), "é", "' OR 1=1 --"])
def test_an_id_that_cannot_be_one_is_404(service: Service, customer: dict[str, str], an_id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = service.http.request(method, f"/predictions/{an_id}", headers=customer)
        assert answer.status_code == 404
        problem(answer)


def test_a_prediction_reads_back_as_it_was_answered(service: Service, customer: dict[str, str]) -> None:
    made = service.predict(customer, 'NA "null" <b>é</b>\r\n=1+1', description="‮🦊")
    answer = service.http.get(f"/predictions/{made['id']}", headers=customer)
    assert answer.json() == made
    assert answer.json()["designation"] == 'NA "null" <b>é</b>\r\n=1+1'
    assert answer.headers["etag"] == '"1"'


def test_a_prediction_from_text_alone_has_no_image(service: Service, customer: dict[str, str]) -> None:
    made = service.predict(customer)["id"]
    answer = service.http.get(f"/predictions/{made}/image", headers=customer)
    assert answer.status_code == 404
    assert problem(answer)["code"] == "prediction.no_image"


def test_a_pending_prediction_can_be_deleted_once(service: Service, customer: dict[str, str]) -> None:
    made = service.predict(customer)["id"]
    first, second = (service.http.delete(f"/predictions/{made}", headers=customer) for _ in range(2))
    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert service.rows(Prediction) == []
    assert [row.action for row in service.rows(Audit) if row.subject == f"prediction/{made}"] == ["delete"]


def test_a_modified_prediction_is_deleted_with_its_verdicts(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = service.predict(customer)["id"]
    service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer)
    assert service.http.delete(f"/predictions/{made}", headers=reviewer).status_code == 204
    assert service.rows(Verdict) == []


def test_somebody_else_s_prediction_cannot_be_deleted(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    theirs = service.predict(reviewer)["id"]
    assert service.http.delete(f"/predictions/{theirs}", headers=customer).status_code == 404
    assert len(service.rows(Prediction)) == 1
