"""Several people decide about the same products at once: each version has one winner, and one trace."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.db.models import Audit, Outbox, Prediction, Verdict
from core.domain.roles import Role
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem

SEED = 20261121
DECISIONS = 12  # of one person
_WORK = {"validated": {"append"}, "rejected": {"archive"}, "pending": set()}


def all_at_once(people: Sequence[Any], work: Callable[[Any], None]) -> None:
    """``work(person)`` for everybody in threads that begin together."""
    together = threading.Barrier(len(people))

    def begin(person: Any) -> None:
        together.wait()
        work(person)

    threads = [threading.Thread(target=begin, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def admins(service: Service) -> list[dict[str, str]]:
    for name in ("alma", "alva"):
        service.hire(name, Role.ADMIN)
    return [service.sign_in(name) for name in ("alma", "alva")]


@pytest.mark.parametrize(
    ("method", "path", "body", "ingested"),
    [
        ("POST", "/validate", {"accept": True}, False),
        ("POST", "/validate", {"accept": False, "reason": "blurred"}, False),
        ("PATCH", "", {"prdtypecode": 40}, False),
        ("POST", "/correct", {"prdtypecode": 40}, True),
    ],
    ids=["validate", "reject", "modify", "correct"],
)
def test_of_two_admins_at_once_one_is_200_and_the_other_is_told(
    service: Service,
    customer: dict[str, str],
    reviewer: dict[str, str],
    admins: list[dict[str, str]],
    method: str,
    path: str,
    body: dict[str, Any],
    ingested: bool,
) -> None:
    """Where a second decision is allowed as well, the version that both have seen lets one of them make it."""
    made = [service.predict(customer, f"a lamp {n}")["id"] for n in range(10)]
    if ingested:
        for one in made:
            service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=reviewer)
        loop.ingest_all(service)
    seen = 2 if ingested else 1
    statuses: dict[str, list[int]] = defaultdict(list)

    def decide_all(headers: dict[str, str]) -> None:
        for one in made:
            asked = {**headers, "If-Match": f'"{seen}"'}
            answer = service.http.request(method, f"/predictions/{one}{path}", json=body, headers=asked)
            statuses[one].append(answer.status_code)
            if answer.status_code != 200:
                assert problem(answer)["code"] in {"review.stale_version", "review.not_pending"}

    all_at_once(admins, decide_all)
    assert {one: sorted(found)[0] for one, found in statuses.items()} == dict.fromkeys(made, 200)
    assert all(sorted(found)[1] in (409, 412) for found in statuses.values())
    assert {row.version for row in service.rows(Prediction)} == {seen + 1}
    assert len(service.rows(Verdict)) == len(made) * seen


def test_of_two_admins_who_validate_at_once_the_other_is_409(
    service: Service, customer: dict[str, str], admins: list[dict[str, str]]
) -> None:
    made = [service.predict(customer, f"a lamp {n}")["id"] for n in range(20)]
    statuses: list[tuple[str, int]] = []

    def decide_all(headers: dict[str, str]) -> None:
        for one in made:
            answer = service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=headers)
            statuses.append((one, answer.status_code))

    all_at_once(admins, decide_all)
    assert Counter(statuses) == Counter({(one, status): 1 for one in made for status in (200, 409)})
    assert len(service.rows(Outbox)) == len(service.rows(Verdict)) == len(made)


class Person:
    """Somebody who decides at random, and remembers which version each of their decisions made."""

    def __init__(self, service: Service, name: str, products: Sequence[str]) -> None:
        service.hire(name)
        self._http = service.http
        self._headers = service.sign_in(name)
        self._products = products
        self._random = random.Random(f"{SEED} {name}")
        self.won: list[tuple[str, int]] = []
        self.statuses: Counter[int] = Counter()

    def work(self) -> None:
        """Decide some times."""
        for _ in range(DECISIONS):
            self._decide(self._random.choice(("validate", "reject", "modify", "undo", "bulk")))

    def _decide(self, action: str) -> None:
        one, code = self._random.choice(self._products), self._random.choice((10, 40, 2060))
        match action:
            case "validate":
                answer = self._send("POST", f"/{one}/validate", {"accept": True, "prdtypecode": code})
            case "reject":
                answer = self._send("POST", f"/{one}/validate", {"accept": False, "reason": "blurred"})
            case "modify":
                answer = self._send("PATCH", f"/{one}", {"prdtypecode": code})
            case "undo":
                answer = self._send("POST", f"/{one}/undo", {})
            case _:
                items = [{"id": each} for each in self._random.sample(self._products, 2)]
                answer = self._send("POST", "/validate", {"items": items})
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            rows = answer.json().get("items") or [answer.json()]
            self.won += [(row["id"], row["version"]) for row in rows]

    def _send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        return self._http.request(method, f"/predictions{path}", json=body, headers=self._headers)


def test_eight_people_decide_and_undo_at_random_and_every_version_has_one_winner(
    service: Service, customer: dict[str, str]
) -> None:
    products = [service.predict(customer, f"a lamp {n}")["id"] for n in range(6)]
    people = [Person(service, f"reviewer{n}", products) for n in range(8)]
    all_at_once(people, Person.work)
    assert set().union(*(person.statuses for person in people)) <= {200, 409}
    won = sorted(win for person in people for win in person.won)
    rows = {row.id: row for row in service.rows(Prediction)}
    assert won == [(one, version) for one in sorted(rows) for version in range(2, rows[one].version + 1)]
    assert sorted((row.prediction_id, row.prediction_version) for row in service.rows(Verdict)) == won
    told = [(row.subject.removeprefix("prediction/"), row.version) for row in service.rows(Audit) if row.version]
    assert sorted(one for one in told if one[0] in rows) == won
    work: dict[str, set[str]] = defaultdict(set)
    for row in service.rows(Outbox):
        assert row.version == rows[row.prediction_id].version, "only the standing verdict's work is left"
        work[row.prediction_id].add(row.kind)
    assert {one: work[one] for one in rows} == {one: _WORK[row.status] for one, row in rows.items()}
