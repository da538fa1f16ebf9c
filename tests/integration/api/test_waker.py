"""The alarm clock over the real outbox."""

from datetime import timedelta

import pytest

from api.serving.airflow import AirflowDown
from api.serving.wake import Waker
from core.db.models import Prediction, SegmentClaim
from core.settings import LoopSettings
from tests.integration.api import loop
from tests.integration.api.toys import Service


class Orchestrator:
    """Hears announcements, unless it is down."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.down = False

    def announce(self, rows: int) -> None:
        if self.down:
            raise AirflowDown("refused")
        self.heard.append(rows)


@pytest.fixture
def orchestrator() -> Orchestrator:
    return Orchestrator()


@pytest.fixture
def waker(service: Service, orchestrator: Orchestrator) -> Waker:
    return Waker(service.app.state.parts.readers, orchestrator.announce, LoopSettings(min_rows=2))


def accept(service: Service, reviewer: dict[str, str], *, accept: bool = True) -> None:
    made = service.predict(service.sign_in("carla"))["id"]
    answer = service.http.post(f"/predictions/{made}/validate", json={"accept": accept}, headers=reviewer)
    assert answer.status_code == 200


def test_enough_validated_rows_ring_once(
    service: Service, reviewer: dict[str, str], waker: Waker, orchestrator: Orchestrator
) -> None:
    accept(service, reviewer)
    accept(service, reviewer, accept=False)
    assert waker.look() is False
    accept(service, reviewer)
    assert [waker.look(), waker.look()] == [True, False]
    assert orchestrator.heard == [2]


def test_while_the_orchestrator_is_down_verdicts_go_on_and_it_is_told_later(
    service: Service, reviewer: dict[str, str], waker: Waker, orchestrator: Orchestrator
) -> None:
    orchestrator.down = True
    for _ in range(3):
        accept(service, reviewer)
        waker.look()
    orchestrator.down = False
    assert waker.look() is True
    assert orchestrator.heard == [3]


def test_an_admin_s_retraction_rings_at_once(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], waker: Waker, orchestrator: Orchestrator
) -> None:
    accept(service, reviewer)
    loop.ingest_all(service)
    (row,) = service.rows(Prediction)
    assert waker.look() is False
    assert service.http.post(f"/predictions/{row.id}/retract", headers=admin).status_code == 200
    assert [waker.look(), waker.look()] == [True, False]
    loop.ingest_all(service)
    assert waker.look() is False


def test_a_batch_that_was_left_open_an_hour_ago_rings(
    service: Service, reviewer: dict[str, str], waker: Waker, orchestrator: Orchestrator
) -> None:
    accept(service, reviewer)
    loop.claim(service)
    assert waker.look() is False
    with service.app.state.parts.sessions.begin() as session:
        (claimed,) = session.query(SegmentClaim)
        claimed.claimed_at -= timedelta(hours=1)
    assert [waker.look(), waker.look()] == [True, False]
