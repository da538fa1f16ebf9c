"""When the orchestrator is rung, and what rings it."""

import json
from typing import Any

import httpx
import pytest

from api.serving.airflow import Airflow, AirflowDown
from api.serving.wake import WakePolicy
from core.db.repositories.outbox import Waiting


def rings(policy: WakePolicy, *seen: tuple[int, float]) -> list[bool]:
    """What the policy says to each (rows, age) in turn, every ring being heard."""
    said = []
    for rows, age_s in seen:
        waiting = Waiting(rows, age_s)
        said.append(policy.is_due(waiting))
        if said[-1]:
            policy.rang(waiting)
    return said


def test_a_batch_rings_once_until_another_gathers() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    assert rings(policy, (0, 0), (9, 0), (10, 0), (10, 0), (19, 0), (20, 0), (21, 0)) == [
        False,
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_taken_batch_starts_the_count_anew() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    assert rings(policy, (12, 0), (2, 0), (9, 0), (10, 0)) == [True, False, False, True]


def test_one_old_row_is_enough_and_rings_once() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    assert rings(policy, (1, 999), (1, 1000), (2, 2000), (0, 0), (1, 5), (1, 1000)) == [
        False,
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_ring_nobody_heard_is_repeated() -> None:
    policy = WakePolicy(min_rows=1, max_age_s=1000)
    assert [policy.is_due(Waiting(1, 0)) for _ in range(3)] == [True] * 3


def test_an_urgent_retraction_rings_at_once_and_once() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    seen = [Waiting(1, 0), Waiting(2, 0, urgent=True), Waiting(3, 0, urgent=True), Waiting(0, 0), Waiting(1, 0, True)]
    said = []
    for waiting in seen:
        said.append(policy.is_due(waiting))
        if said[-1]:
            policy.rang(waiting)
    assert said == [False, True, False, False, True]


def test_a_batch_that_lies_open_too_long_rings_once() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    said = []
    for open_s in (1, 59, 60, 90, 0, 61):
        waiting = Waiting(0, 0, open_s=open_s)
        said.append(policy.is_due(waiting))
        if said[-1]:
            policy.rang(waiting)
    assert said == [False, False, True, False, False, True]


def test_a_wish_rings_at_once_and_once_and_the_next_wish_again() -> None:
    policy = WakePolicy(min_rows=10, max_age_s=1000)
    said = []
    for rows, request in ((0, None), (0, "one"), (3, "one"), (0, None), (0, "two"), (0, "two")):
        waiting = Waiting(rows, 0, request=request)
        said.append(policy.is_due(waiting))
        if said[-1]:
            policy.rang(waiting)
    assert said == [False, True, False, False, True, False]


class Orchestrator:
    """Answers as Airflow's REST API does, and remembers what it was asked."""

    def __init__(self, *, assets: list[dict[str, Any]], token_status: int = 201) -> None:
        self.assets = assets
        self.token_status = token_status
        self.events: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(self.token_status, json={"access_token": "t"})
        assert request.headers["authorization"] == "Bearer t"
        if request.method == "GET":
            return httpx.Response(200, json={"assets": self.assets, "total_entries": len(self.assets)})
        self.events.append(json.loads(request.content))
        return httpx.Response(200, json={"id": 1})


def airflow(answer: Any) -> Airflow:
    return Airflow("http://airflow", "etalon", "secret", transport=httpx.MockTransport(answer))


def test_the_event_names_the_asset_by_the_id_of_its_exact_name() -> None:
    orchestrator = Orchestrator(assets=[{"id": 3, "name": "validatedXrows"}, {"id": 8, "name": "validated_rows"}])
    airflow(orchestrator).announce(41)
    assert orchestrator.events == [{"asset_id": 8, "extra": {"rows": 41}}]


@pytest.mark.parametrize(
    "orchestrator",
    [
        Orchestrator(assets=[]),
        Orchestrator(assets=[{"id": 8, "name": "validated_rows"}], token_status=401),
        lambda request: httpx.Response(200, text="<html>"),
        lambda request: httpx.Response(200, json=[]),
        lambda request: httpx.Response(503),
    ],
)
def test_an_orchestrator_that_does_not_take_it_is_one_kind_of_error(orchestrator: Any) -> None:
    with pytest.raises(AirflowDown):
        airflow(orchestrator).announce(41)


def test_an_orchestrator_that_is_not_there_is_the_same_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(AirflowDown):
        airflow(refuse).announce(41)
