"""GET /predictions?updated_since=: whoever polls misses no change, however late it is committed."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from api.settings import ServiceSettings
from core.db.models import Prediction
from core.db.types import utc_now
from tests.integration.api.toys import Service


@pytest.fixture
def hold_back_s() -> float:
    return 60.0


@pytest.fixture
def settings(settings: ServiceSettings, hold_back_s: float) -> ServiceSettings:
    return replace(settings, serving=settings.serving.model_copy(update={"hold_back_s": hold_back_s}))


class Poller:
    """A client that follows the documented rule: read every page, then ask from the ``next_since`` of the first."""

    def __init__(self, service: Service, headers: dict[str, str], *, limit: int = 50) -> None:
        self._http, self._headers, self._limit = service.http, headers, limit
        self._since: str | None = None

    def pages(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"limit": self._limit}
        if self._since is not None:
            query["updated_since"] = self._since
        while True:
            answer = self._http.get("/predictions", params=query, headers=self._headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            self._since = page["next_since"]
            yield page
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def poll(self) -> list[dict[str, Any]]:
        return [item for page in self.pages() for item in page["items"]]


def touch(session: Session, prediction_id: str, *, at: Any) -> None:
    """A change like any other, written at one moment of the database's clock."""
    statement = update(Prediction).where(Prediction.id == prediction_id).values(label_quality=0.5, updated_at=at)
    session.execute(statement, execution_options={"synchronize_session": False})


def test_a_change_that_is_committed_after_the_poll_is_found_by_the_next(
    service: Service, customer: dict[str, str], database_kind: str
) -> None:
    """Its moment of change lies before that of rows the poller has seen."""
    slow, quick = (service.predict(customer)["id"] for _ in range(2))
    poller = Poller(service, customer)
    poller.poll()
    parts = service.app.state.parts
    with parts.sessions.begin() as session:
        touch(session, slow, at=utc_now())
        if database_kind == "mariadb":  # on SQLite writers go one by one
            with parts.sessions.begin() as other:
                touch(other, quick, at=utc_now())
        unseen = {item["id"]: item["updated_at"] for item in poller.poll()}
    seen = {item["id"]: item["updated_at"] for item in poller.poll()}
    assert seen[slow] > unseen[slow]


@pytest.mark.parametrize("hold_back_s", [0.0])
def test_without_a_hold_back_the_same_change_is_lost(service: Service, customer: dict[str, str]) -> None:
    """The hold-back is what makes the test above pass."""
    slow = service.predict(customer)["id"]
    poller = Poller(service, customer)
    poller.poll()
    with service.app.state.parts.sessions.begin() as session:
        touch(session, slow, at=utc_now())
        poller.poll()
    assert poller.poll() == []


@pytest.mark.parametrize("hold_back_s", [2.0])
def test_among_writers_of_every_speed_the_newest_change_of_every_product_is_seen(
    service: Service, customer: dict[str, str]
) -> None:
    made = [service.predict(customer)["id"] for _ in range(12)]
    poller, seen = Poller(service, customer, limit=5), {}
    draws = [random.Random(seed) for seed in range(4)]

    def write(draw: random.Random) -> None:
        for _ in range(15):
            with service.app.state.parts.sessions.begin() as session:
                touch(session, draw.choice(made), at=utc_now())
                time.sleep(draw.uniform(0, 0.03))  # changed, and not yet committed

    with ThreadPoolExecutor(len(draws)) as writers:
        running = [writers.submit(write, draw) for draw in draws]
        while not all(one.done() for one in running):
            seen |= {item["id"]: item["updated_at"] for item in poller.poll()}
        for one in running:
            one.result()
    seen |= {item["id"]: item["updated_at"] for item in poller.poll()}
    moments = {row.id: row.updated_at.replace(tzinfo=UTC) for row in service.rows(Prediction)}
    assert {an_id: datetime.fromisoformat(at) for an_id, at in seen.items()} == moments


@pytest.mark.parametrize("hold_back_s", [0.001])
def test_a_change_to_a_page_that_was_read_already_is_found_by_the_next_poll(
    service: Service, customer: dict[str, str]
) -> None:
    """Reading many pages may take longer than the hold-back, so the moment to ask from is that of the first page."""
    made = [service.predict(customer)["id"] for _ in range(4)]
    poller = Poller(service, customer, limit=2)
    pages = poller.pages()
    first = next(pages)
    passed = first["items"][0]["id"]
    with service.app.state.parts.sessions.begin() as session:
        touch(session, passed, at=utc_now())
    rest = list(pages)
    assert {page["next_since"] for page in rest} == {first["next_since"]}
    assert {item["id"] for page in (first, *rest) for item in page["items"]} == set(made)
    assert passed in {item["id"] for item in poller.poll()}


def test_changes_come_in_the_order_in_which_they_were_made(service: Service, customer: dict[str, str]) -> None:
    made = [service.predict(customer)["id"] for _ in range(5)]
    since = "2026-01-01T00:00:00Z"
    with service.app.state.parts.sessions.begin() as session:
        touch(session, made[0], at=datetime(2099, 1, 1))  # noqa: DTZ001 - as the database keeps it
    query = {"updated_since": since, "limit": 200}
    items = service.http.get("/predictions", params=query, headers=customer).json()["items"]
    assert [item["id"] for item in items] == [*made[1:], made[0]]


def test_the_moment_to_ask_from_is_held_back_by_the_database_s_clock(
    service: Service, customer: dict[str, str], settings: ServiceSettings
) -> None:
    made = service.predict(customer)
    page = service.http.get("/predictions", headers=customer).json()
    behind = datetime.fromisoformat(page["next_since"]) - datetime.fromisoformat(made["created_at"])
    held_back = timedelta(seconds=settings.serving.hold_back_s)
    assert -held_back <= behind < timedelta(seconds=30) - held_back


@pytest.mark.parametrize("hold_back_s", [0.0])
@pytest.mark.parametrize("change", ["modify", "validate", "feedback"])
def test_every_kind_of_change_is_seen_by_its_owner(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], change: str
) -> None:
    made = service.predict(customer)["id"]
    poller = Poller(service, customer)
    assert poller.poll() != []
    assert poller.poll() == []
    requests = {
        "modify": ("PATCH", "", {"prdtypecode": 40}, reviewer),
        "validate": ("POST", "/validate", {"accept": True}, reviewer),
        "feedback": ("POST", "/feedback", {"kind": "confirmed"}, customer),
    }
    method, suffix, body, headers = requests[change]
    answer = service.http.request(method, f"/predictions/{made}{suffix}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [item["id"] for item in poller.poll()] == [made]
