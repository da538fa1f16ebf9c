"""More than fits, callers who are nobody, senders who dawdle, and answers that take too long."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from api.predictions.admission import Admission, Ticket
from api.settings import ServiceSettings
from core.db.models import Prediction
from core.domain.product import Product
from inference.answer import Answer
from tests.integration.api.toys import Service, ToyModel, problem
from tests.integration.conftest import same_on_any_database


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    """An answer may take a second."""
    return replace(settings, serving=settings.serving.model_copy(update={"request_deadline_s": 1.0}))


@dataclass
class Held:
    """Holds whoever comes by until it is told to let go."""

    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def wait(self, *_: Any) -> None:
        self.arrived.set()
        assert self.go.wait(20)


@pytest.fixture
def slow_model(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """The model does not answer until it is told to."""
    held, answer = Held(), ToyModel.predict

    def predict(self: ToyModel, products: list[Product], top_k: int = 3) -> list[Answer]:
        held.wait()
        return answer(self, products, top_k)

    monkeypatch.setattr(ToyModel, "predict", predict)
    yield held
    held.go.set()


def in_the_loop(service: Service, work: Callable[[Admission], Any]) -> Any:
    """Call ``work`` where the service counts: on its event loop."""

    async def call() -> Any:
        return work(service.app.state.parts.admission)

    return service.http.portal.call(call)


def fill(admission: Admission) -> list[Ticket]:
    return [admission.promise() for _ in range(admission.places + admission.queue_limit)]


@same_on_any_database
def test_more_predictions_than_fit_are_turned_away_at_once(service: Service, customer: dict[str, str]) -> None:
    tickets = in_the_loop(service, fill)
    answer = service.http.post("/predict", data={"designation": "x"}, headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (503, "service.overloaded")
    in_the_loop(service, lambda _: [ticket.lapse() for ticket in tickets])
    assert service.predict(customer)["status"] == "pending"


@same_on_any_database
def test_every_place_is_given_back_however_the_request_ends(service: Service, customer: dict[str, str]) -> None:
    for _ in range(3):
        assert service.http.post("/predict", data={"designation": "x"}).status_code == 401
        assert service.http.post("/predict", data={"designation": "\0"}, headers=customer).status_code == 422
        assert service.http.post("/predict", content=b"x" * 20_000_000, headers=customer).status_code == 413
        assert service.http.request("PUT", "/predict", headers=customer).status_code == 405
    assert in_the_loop(service, lambda admission: (admission.inside, admission.waiting)) == (0, 0)


@same_on_any_database
def test_an_answer_that_takes_too_long_is_503_and_nothing_is_ever_staged(
    service: Service, customer: dict[str, str], slow_model: Held
) -> None:
    began = time.monotonic()
    answer = service.http.post("/predict", data={"designation": "x"}, headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (503, "service.deadline")
    assert time.monotonic() - began < 10
    assert in_the_loop(service, lambda admission: admission.inside) == 1  # it still has its thread
    slow_model.go.set()
    wait_until(lambda: in_the_loop(service, lambda admission: admission.inside) == 0)
    assert service.rows(Prediction) == []
    assert service.predict(customer)["status"] == "pending"


@same_on_any_database
def test_an_answer_that_is_being_committed_is_waited_for(service: Service, customer: dict[str, str]) -> None:
    maker = service.app.state.parts.sessions

    def dawdle(session: Session) -> None:  # as a slow disk does
        time.sleep(1.5)

    event.listen(maker, "before_commit", dawdle)
    try:
        answer = service.http.post("/predict", data={"designation": "x"}, headers=customer)
    finally:
        event.remove(maker, "before_commit", dawdle)
    assert answer.status_code == 201
    assert len(service.rows(Prediction)) == 1


@same_on_any_database
def test_when_as_many_are_under_way_as_may_be_only_probes_are_answered(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(service.app.state.parts.crowd, "_limit", 0)
        answer = service.http.get("/predictions", headers=customer)
        assert (answer.status_code, problem(answer)["code"]) == (503, "service.overloaded")
        assert service.http.get("/livez").status_code == 200
    assert service.http.get("/predictions", headers=customer).status_code == 200


@same_on_any_database
def test_nobody_who_is_not_signed_in_makes_us_read_a_body(service: Service) -> None:
    """Told by the messages that a server hands over: none of the body is asked for before the 401."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"1000")]
    for method, path in (("POST", "/predict"), ("POST", "/predictions/validate")):
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        sent.clear()
        service.http.portal.call(service.app, scope, receive, send)
        assert sent[0]["status"] == 401


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")
