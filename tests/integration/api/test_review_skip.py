"""POST /predictions/{id}/skip and GET /review/progress: what is put aside, and how far the day has come."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.db.models import Audit, Prediction, ReviewSkip, Verdict
from core.db.types import utc_now
from tests.integration.api import loop
from tests.integration.api.test_review_next import ask, end_leases, offered
from tests.integration.api.toys import Service, problem

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> list[str]:
    return [service.predict(customer, f"a book {n}")["id"] for n in range(3)]


def skip(service: Service, headers: dict[str, str], an_id: str) -> Any:
    return service.http.post(f"/predictions/{an_id}/skip", headers=headers)


def decide(service: Service, headers: dict[str, str], an_id: str, verb: str = "validate", **body: Any) -> None:
    answer = service.http.post(f"/predictions/{an_id}/{verb}", json=body or {"accept": True}, headers=headers)
    assert answer.status_code == 200, answer.text


def test_what_somebody_put_aside_comes_to_others_at_once_and_not_back_to_them(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = offered(service, reviewer, order="oldest")
    answer = skip(service, reviewer, held)
    assert (answer.status_code, answer.content) == (204, b"")
    assert offered(service, reviewer, order="oldest") == made[1]
    assert offered(service, admin, order="oldest") == held


def test_two_people_who_put_the_same_product_aside_are_both_spared(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    for headers in (reviewer, admin):
        assert skip(service, headers, offered(service, headers, order="oldest")).status_code == 204
    assert offered(service, reviewer, order="oldest") == made[1]
    assert offered(service, admin, order="oldest") == made[2]


def test_all_put_aside_is_204_until_the_time_is_over(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    for one in made:
        assert skip(service, reviewer, one).status_code == 204
    assert ask(service, reviewer).status_code == 204
    with service.app.state.parts.sessions.begin() as session:
        past = session.scalar(select(utc_now())) - timedelta(seconds=1)
        session.execute(update(ReviewSkip).where(ReviewSkip.prediction_id == made[1]).values(until=past))
    assert offered(service, reviewer) == made[1]
    assert skip(service, reviewer, made[1]).status_code == 204
    assert len(service.rows(ReviewSkip)) == 3


def test_putting_aside_is_no_decision_and_may_be_said_twice(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    before, traces = service.http.get(f"/predictions/{made[0]}", headers=reviewer).json(), len(service.rows(Audit))
    assert [skip(service, reviewer, made[0]).status_code for _ in range(2)] == [204, 204]
    assert service.http.get(f"/predictions/{made[0]}", headers=reviewer).json() == before
    assert (service.rows(Verdict), len(service.rows(ReviewSkip)), len(service.rows(Audit))) == ([], 1, traces)
    decide(service, reviewer, made[0])


def test_another_s_lease_stays(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = offered(service, admin, order="oldest")
    assert skip(service, reviewer, held).status_code == 204
    assert offered(service, admin, order="newest") == held
    end_leases(service)
    assert offered(service, reviewer, order="oldest") == made[1]


def test_only_a_pending_product_of_somebody_else_s_is_put_aside(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: list[str]
) -> None:
    own = service.predict(reviewer, "a lamp")["id"]
    decide(service, reviewer, made[0])
    refusals = {
        own: (403, "review.own_product"),
        made[0]: (409, "review.not_pending"),
        UNKNOWN: (404, "prediction.not_found"),
    }
    for one, expected in refusals.items():
        answer = skip(service, reviewer, one)
        assert (answer.status_code, problem(answer)["code"]) == expected
    stale = service.http.post(f"/predictions/{made[1]}/skip", headers={**reviewer, "If-Match": '"7"'})
    assert (stale.status_code, problem(stale)["code"]) == (412, "review.stale_version")
    assert [skip(service, headers, made[1]).status_code for headers in (customer, {})] == [403, 401]
    assert service.rows(ReviewSkip) == []


def test_an_erased_product_takes_what_was_said_of_it_along(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: list[str]
) -> None:
    skip(service, reviewer, made[0])
    assert service.http.delete(f"/predictions/{made[0]}", headers=customer).status_code == 204
    assert service.rows(ReviewSkip) == []


def progress(service: Service, headers: dict[str, str]) -> tuple[int, int, int]:
    answer = service.http.get("/review/progress", headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["remaining"], body["decided_today"], body["decided_last_hour"]


def test_progress_counts_what_is_left_and_each_product_decided_once(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    service.predict(reviewer, "a lamp")
    assert (progress(service, reviewer), progress(service, admin)) == ((3, 0, 0), (4, 0, 0))
    decide(service, reviewer, made[0])
    decide(service, reviewer, made[0], "undo", reason="too quick")
    decide(service, reviewer, made[0])
    decide(service, reviewer, made[1], accept=False)
    service.http.patch(f"/predictions/{made[2]}", json={"prdtypecode": 40}, headers=reviewer)
    assert (progress(service, reviewer), progress(service, admin)) == ((1, 2, 2), (2, 0, 0))
    loop.ingest_all(service)
    decide(service, admin, made[0], "correct", prdtypecode=40)
    assert progress(service, admin) == (2, 1, 1)
    assert service.http.get("/review/progress", headers=customer).status_code == 403


def test_yesterday_s_decisions_are_not_today_s(service: Service, reviewer: dict[str, str], made: list[str]) -> None:
    for one in made[:2]:
        decide(service, reviewer, one)
    with service.app.state.parts.sessions.begin() as session:
        yesterday = session.scalar(select(utc_now())) - timedelta(days=1)
        first = select(Prediction.id).where(Prediction.id == made[0]).scalar_subquery()
        session.execute(update(Verdict).where(Verdict.prediction_id == first).values(decided_at=yesterday))
    assert progress(service, reviewer) == (1, 1, 1)
