"""GET /review/progress: what is left of what was asked for, and how fast it goes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.db.models import Verdict
from core.db.repositories import progress as repository
from core.db.types import utc_now
from tests.integration.api.test_second_opinions import SURE, accept
from tests.integration.api.toys import Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> list[str]:
    titles = ("a livre pour les enfants", "a book for the children", "b jeu avec des cartes")
    return [service.predict(customer, title)["id"] for title in titles]


def progress(service: Service, headers: dict[str, str], **query: Any) -> dict[str, Any]:
    answer = service.http.get("/review/progress", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ({}, 3),
        ({"code": 10}, 2),
        ({"language": "fr"}, 2),
        ({"language": "fr", "code": 40}, 1),
        ({"max_confidence": 0.1}, 0),
        ({"second_opinion": "true"}, 0),
    ],
    ids=str,
)
def test_what_matches_is_counted_beside_all_that_is_left(
    service: Service, reviewer: dict[str, str], made: list[str], query: dict[str, Any], matching: int
) -> None:
    service.predict(reviewer, "a livre pour moi")
    found = progress(service, reviewer, **query)
    assert (found["remaining"], found["matching"], found["matching_is_exact"]) == (3, matching, True)


def test_what_matches_is_counted_up_to_a_bound(
    service: Service, reviewer: dict[str, str], made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "COUNTED_AT_MOST", 2)
    found = progress(service, reviewer)
    assert (found["remaining"], found["matching"], found["matching_is_exact"]) == (3, 2, False)
    assert progress(service, reviewer, language="fr")["matching_is_exact"] is True


def test_labels_that_wait_for_a_second_look_are_counted_for_whoever_may_give_it(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    accept(service, reviewer, service.predict(customer, SURE)["id"], 40)
    counts = [progress(service, headers, second_opinion="true")["matching"] for headers in (reviewer, admin)]
    assert counts == [0, 1]


def test_the_pace_is_that_of_the_last_ten_minutes(service: Service, reviewer: dict[str, str], made: list[str]) -> None:
    assert progress(service, reviewer)["pace_per_minute"] is None
    for one in made:
        accept(service, reviewer, one)
    assert progress(service, reviewer)["pace_per_minute"] == 3.0, "of less than a minute no pace is made"
    give(service, made[0], timedelta(minutes=5))
    assert progress(service, reviewer)["pace_per_minute"] == pytest.approx(3 / 5, rel=0.1)
    give(service, made[0], timedelta(minutes=11))
    assert progress(service, reviewer)["pace_per_minute"] == 2.0


def give(service: Service, prediction_id: str, ago: timedelta) -> None:
    """Let the verdict on a product have been given earlier."""
    with service.app.state.parts.sessions.begin() as session:
        then = session.scalar(select(utc_now())) - ago
        session.execute(update(Verdict).where(Verdict.prediction_id == prediction_id).values(decided_at=then))


@pytest.mark.parametrize("query", [{"order": "newest"}, {"code": "x"}, {"language": "klingon"}, {"besides": "x"}])
def test_a_question_that_breaks_a_rule_is_422(service: Service, reviewer: dict[str, str], query: Any) -> None:
    answer = service.http.get("/review/progress", params=query, headers=reviewer)
    assert answer.status_code == 422
    problem(answer)
