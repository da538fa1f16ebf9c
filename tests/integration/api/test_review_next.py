"""GET /review/next: everybody is offered another product, and whoever decides first wins."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.db.models import Outbox, Prediction, Verdict
from core.db.types import utc_now
from tests.integration.api.toys import Service, problem


def ask(service: Service, headers: dict[str, str], **query: str) -> Any:
    return service.http.get("/review/next", params=query, headers=headers)


def offered(service: Service, headers: dict[str, str], **query: str) -> str:
    answer = ask(service, headers, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def end_leases(service: Service) -> None:
    """Let every lease have ended a second ago."""
    with service.app.state.parts.sessions.begin() as session:
        past = session.scalar(select(utc_now())) - timedelta(seconds=1)
        session.execute(update(Prediction).where(Prediction.leased_by.is_not(None)).values(leased_until=past))


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> list[str]:
    """Three products, the longer the title the surer: the middle one is least certain."""
    return [service.predict(customer, title)["id"] for title in ("a book, old", "a", "a book, older")]


@pytest.mark.parametrize(("order", "expected"), [("uncertain", 1), ("oldest", 0), ("newest", 2)])
def test_the_first_of_an_order_is_offered(
    service: Service, reviewer: dict[str, str], made: list[str], order: str, expected: int
) -> None:
    assert offered(service, reviewer, order=order) == made[expected]


def test_the_least_certain_comes_first_unless_something_else_is_asked_for(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    assert offered(service, reviewer) == made[1]


def test_two_people_are_offered_two_products_and_each_keeps_theirs(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    first, second = (offered(service, headers, order="oldest") for headers in (reviewer, admin))
    assert (first, second) == (made[0], made[1])
    assert [offered(service, headers, order="newest") for headers in (reviewer, admin)] == [first, second]


def test_a_lease_changes_neither_version_nor_time_of_change(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    before = service.http.get(f"/predictions/{made[1]}", headers=reviewer).json()
    answer = ask(service, reviewer)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().pop("leased_until") > before["created_at"]
    assert service.http.get(f"/predictions/{made[1]}", headers=reviewer).json() == before


def test_a_lease_that_ended_is_another_s_to_take(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = offered(service, reviewer, order="oldest")
    end_leases(service)
    assert offered(service, admin, order="oldest") == held
    assert offered(service, reviewer, order="oldest") == made[1]


def test_a_decided_product_is_offered_to_nobody_and_its_lease_is_gone(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = offered(service, reviewer, order="oldest")
    service.http.post(f"/predictions/{held}/validate", json={"accept": True}, headers=reviewer)
    assert offered(service, reviewer, order="oldest") == made[1]
    service.http.post(f"/predictions/{held}/undo", headers=reviewer)
    assert offered(service, admin, order="oldest") == held


def test_a_lease_blocks_nobody_s_verdict(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = offered(service, reviewer, order="oldest")
    assert service.http.post(f"/predictions/{held}/validate", json={"accept": True}, headers=admin).status_code == 200
    late = service.http.post(f"/predictions/{held}/validate", json={"accept": False}, headers=reviewer)
    assert (late.status_code, problem(late)["code"]) == (409, "review.not_pending")


def test_nothing_free_is_204(service: Service, reviewer: dict[str, str], admin: dict[str, str], customer: Any) -> None:
    assert ask(service, reviewer).status_code == 204
    service.predict(customer, "a book")
    assert ask(service, reviewer).status_code == 200
    answer = ask(service, admin)
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_order_that_does_not_exist_is_422(service: Service, reviewer: dict[str, str]) -> None:
    assert ask(service, reviewer, order="random").status_code == 422


def test_a_customer_is_403_and_nobody_is_401(service: Service, customer: dict[str, str]) -> None:
    assert ask(service, customer).status_code == 403
    assert ask(service, {}).status_code == 401


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"code": "40"}, 1),
        ({"modality": "text+image"}, 2),
        ({"language": "fr"}, 5),
        ({"min_confidence": "0.61", "max_confidence": "0.7"}, 3),
        ({"feedback": "disputed"}, 4),
        ({"created_since": "LAST"}, 5),
        ({"created_until": "LAST", "order": "newest"}, 4),
        ({"code": "2060", "feedback": "disputed"}, None),
        ({"min_confidence": "0.8"}, None),
    ],
    ids=str,
)
def test_only_what_is_asked_for_is_offered(
    service: Service,
    customer: dict[str, str],
    reviewer: dict[str, str],
    photo: bytes,
    query: dict[str, str],
    expected: int | None,
) -> None:
    made = [service.predict(customer, title)["id"] for title in ("a book", "b game")]
    sent = service.http.post("/predict", data={"designation": "a"}, files={"image": photo}, headers=customer).json()
    made += [sent["id"], *(service.predict(customer, title)["id"] for title in ("a bookish thing", "a"))]
    made.append(service.predict(customer, "a last one", description="livré avec sa boîte")["id"])
    objection = {"kind": "disputed", "reason": "it is a lamp"}
    assert service.http.post(f"/predictions/{made[4]}/feedback", json=objection, headers=customer).is_success
    last = service.http.get(f"/predictions/{made[5]}", headers=reviewer).json()["created_at"]
    asked = {name: value.replace("LAST", last.replace("+00:00", "Z")) for name, value in query.items()}
    answer = ask(service, reviewer, **asked)
    assert answer.status_code == (204 if expected is None else 200), answer.text
    assert expected is None or answer.json()["id"] == made[expected]


@pytest.mark.parametrize(
    "query",
    [
        {"order": "updated"},
        {"code": "x"},
        {"min_confidence": "nan"},
        {"max_confidence": "1.5"},
        {"feedback": "angry"},
        {"created_since": "2026-01-01T00:00:00"},
        {"status": "validated"},
        {"second_opinion": "perhaps"},
        {"language": "klingon"},
        {"besides": "no-id"},
    ],
    ids=str,
)
def test_a_question_that_breaks_a_rule_is_422(
    service: Service, reviewer: dict[str, str], query: dict[str, str]
) -> None:
    answer = ask(service, reviewer, **query)
    assert answer.status_code == 422
    problem(answer)


def test_somebody_who_asks_for_something_else_keeps_what_they_hold(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    book, game = (service.predict(customer, title)["id"] for title in ("a book", "b game"))
    assert offered(service, reviewer, code="10") == book
    assert offered(service, reviewer, code="40") == game
    assert offered(service, reviewer, code="10") == book
    assert ask(service, admin).status_code == 204


def test_nobody_is_offered_what_they_sent(service: Service, reviewer: dict[str, str], admin: dict[str, str]) -> None:
    own = service.predict(reviewer, "a book")["id"]
    assert ask(service, reviewer).status_code == 204
    assert offered(service, admin) == own


def work_through(service: Service, headers: dict[str, str], seen: list[tuple[str, str]], name: str) -> None:
    """Take products until none is left; put every third aside, and decide about the others."""
    count = 0
    while (answer := ask(service, headers, order="oldest")).status_code == 200:
        one, count = answer.json()["id"], count + 1
        seen.append((one, name))
        if count % 3:
            path, body = "validate", {"accept": True}
            assert service.http.post(f"/predictions/{one}/{path}", json=body, headers=headers).status_code == 200, one
        else:
            assert service.http.post(f"/predictions/{one}/skip", headers=headers).status_code == 204


def test_eight_people_at_once_never_work_on_the_same_product(
    service: Service, customer: dict[str, str], staff: list[dict[str, str]]
) -> None:
    """Nobody's decision meets another's: all are 200. What somebody put aside comes to others, never back to them."""
    made = [service.predict(customer, f"a lamp {n}")["id"] for n in range(48)]
    seen: list[tuple[str, str]] = []
    together = threading.Barrier(len(staff))

    def work(name: str, headers: dict[str, str]) -> None:
        together.wait()
        work_through(service, headers, seen, name)

    threads = [threading.Thread(target=work, args=(str(n), headers)) for n, headers in enumerate(staff)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one for one, _ in seen} == set(made)
    assert len(seen) == len(set(seen))
    verdicts = [row.prediction_id for row in service.rows(Verdict)]
    assert len(verdicts) == len(set(verdicts))
    left = {row.id for row in service.rows(Prediction) if row.status == "pending"}
    assert left | set(verdicts) == set(made)
    assert len(service.rows(Outbox)) == len(verdicts)


@pytest.fixture
def staff(service: Service) -> list[dict[str, str]]:
    """Eight reviewers, signed in."""
    names = [f"reviewer{n}" for n in range(8)]
    for name in names:
        service.hire(name)
    return [service.sign_in(name) for name in names]
