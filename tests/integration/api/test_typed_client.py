"""The typed client against the real service: what one writes, the other reads."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from client import Decision, EtalonClient, ProblemError
from tests.integration.api.toys import PASSWORD, Service


class InProcess(httpx.BaseTransport):
    """Carries requests to the application of a running ``Service``."""

    def __init__(self, service: Service) -> None:
        self._http = service.http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = dict(request.headers)
        answer = self._http.request(request.method, str(request.url), content=request.read(), headers=headers)
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


@pytest.fixture
def sign_in(service: Service) -> Iterator[Callable[[str], EtalonClient]]:
    with ExitStack() as connected:

        def _sign_in(username: str) -> EtalonClient:
            client = EtalonClient("http://testserver", username, PASSWORD, transport=InProcess(service))
            return connected.enter_context(client)

        yield _sign_in


@pytest.fixture
def carla(sign_in: Callable[[str], EtalonClient]) -> EtalonClient:
    return sign_in("carla")


@pytest.fixture
def remy(sign_in: Callable[[str], EtalonClient]) -> EtalonClient:
    return sign_in("remy")


def test_an_answer_is_read_in_full(carla: EtalonClient, photo: bytes) -> None:
    prediction = carla.predict("Piscine gonflable", "bleue & ronde", photo)
    assert prediction.designation == "Piscine gonflable"
    assert prediction.description == "bleue & ronde"
    assert prediction.has_image
    assert prediction.status == "pending"
    assert prediction.prdtypecode == prediction.suggested_code == prediction.top_k[0].prdtypecode
    assert 0.0 <= prediction.confidence <= 1.0
    assert carla.prediction(prediction.id) == prediction
    assert carla.image(prediction.id)[:2] == b"\xff\xd8"


def test_the_same_key_answers_with_the_same_prediction(carla: EtalonClient) -> None:
    first = carla.predict("Piscine", idempotency_key="order-1")
    assert carla.predict("Piscine", idempotency_key="order-1").id == first.id
    assert carla.predict("Piscine").id != first.id


def test_a_reviewer_validates_corrects_modifies_and_rejects(carla: EtalonClient, remy: EtalonClient) -> None:
    right, wrong, modified, rejected = (carla.predict(f"Produit {n}") for n in range(4))
    other = next(c.prdtypecode for c in wrong.top_k if c.prdtypecode != wrong.prdtypecode)
    assert remy.validate(right.id).status == "validated"
    assert remy.validate(wrong.id, prdtypecode=other).prdtypecode == other
    assert remy.modify(modified.id, other).status == "pending"
    assert remy.validate(modified.id).prdtypecode == other
    assert remy.reject(rejected.id, reason="flou").status == "rejected"
    assert [p.id for p in remy.every_prediction(status="rejected")] == [rejected.id]


def test_a_refusal_carries_its_stable_code(carla: EtalonClient, remy: EtalonClient) -> None:
    prediction = carla.predict("Piscine")
    remy.validate(prediction.id)
    with pytest.raises(ProblemError) as raised:
        remy.validate(prediction.id)
    assert raised.value.status == 409
    assert raised.value.code
    assert raised.value.request_id


def test_a_pending_prediction_can_be_deleted(carla: EtalonClient) -> None:
    prediction = carla.predict("Piscine")
    carla.delete(prediction.id)
    with pytest.raises(ProblemError) as raised:
        carla.prediction(prediction.id)
    assert raised.value.status == 404


def test_a_verdict_is_undone_told_and_decided_with_others(carla: EtalonClient, remy: EtalonClient) -> None:
    first, second = (carla.predict(f"Produit {n}") for n in range(2))
    assert remy.validate(first.id, version=1).version == 2
    assert remy.undo(first.id, reason="trop vite").status == "pending"
    told = remy.history(first.id)
    assert [(record.action, record.reason, record.reviewer) for record in told] == [
        ("validate", None, "remy"),
        ("undo", "trop vite", "remy"),
    ]
    done = remy.validate_all([Decision(second.id), Decision(first.id, accept=False, version=3)])
    assert [one.status for one in done] == ["validated", "rejected"]
    with pytest.raises(ProblemError) as raised:
        remy.undo(second.id, version=1)
    assert raised.value.status == 412


def test_a_product_is_leased_and_then_there_is_nothing_left(carla: EtalonClient, remy: EtalonClient) -> None:
    assert remy.next_to_review() is None
    made = carla.predict("Produit")
    lease = remy.next_to_review(order="newest")
    assert lease is not None
    assert lease.prediction.id == made.id
    assert lease.leased_until.tzinfo is not None


def test_an_admin_takes_labels_back(sign_in: Callable[[str], EtalonClient], carla: EtalonClient) -> None:
    remy, ada = sign_in("remy"), sign_in("ada")
    made = [remy.validate(carla.predict(f"Produit {n}").id) for n in range(3)]
    assert ada.retract(made[0].id).status == "retracted"
    now = datetime.now(UTC)
    span = {"since": now - timedelta(days=1), "until": now + timedelta(days=1)}
    assert ada.take_back("remy", **span, dry_run=True).withdrawn == 2
    assert ada.take_back("remy", **span, reason="exercice").by_split == {"none yet": 2}
    assert {carla.prediction(one.id).status for one in made} == {"retracted"}
    with pytest.raises(ProblemError) as raised:
        ada.correct(made[0].id, 40)
    assert raised.value.code == "review.not_ingested"
    assert carla.delete(made[0].id) is True


def test_pages_are_followed_to_the_end(carla: EtalonClient) -> None:
    staged = {carla.predict(f"Produit {n}").id for n in range(7)}
    page = carla.predictions(limit=3, order="uncertain")
    assert len(page.items) == 3
    assert page.next_cursor is not None
    assert {prediction.id for prediction in carla.every_prediction()} == staged


def test_the_champion_and_the_classes_are_read(carla: EtalonClient) -> None:
    assert carla.champion().epoch == 1
    assert carla.classes()
