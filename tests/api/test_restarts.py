"""What a kill does not undo, and what needs no restart: each test has a service of its own."""

from collections.abc import Callable

import pytest

from preprocessing.images import sanitise
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.packaged import write_tiny_model

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "mariadb"])


def test_what_was_acknowledged_survives_a_kill(open_service: Callable[..., Etalon], kind: str) -> None:
    etalon = open_service(kind)
    customer, reviewer = etalon.hire("customer"), etalon.hire("reviewer")
    ids = [etalon.predict(customer) for _ in range(5)]
    for one in ids[:3]:
        assert etalon.decide(reviewer, one, accept=True).status_code == 200
    etalon.kill()
    etalon.start()
    read = [etalon.http.get(f"/predictions/{one}", headers=customer.headers).json()["status"] for one in ids]
    assert read == ["validated"] * 3 + ["pending"] * 2
    assert etalon.violations() == []


def test_after_a_promotion_the_next_answer_names_it_and_after_a_rollback_the_old_one(
    open_service: Callable[..., Etalon], kind: str
) -> None:
    etalon = open_service(kind)
    admin, customer = etalon.hire("admin"), etalon.hire("customer")
    clean = sanitise(etalon.photo, max_bytes=10**6, max_pixels=10**6)
    newer = write_tiny_model(etalon.store.packages, clean.data, temperature=0.3)
    order = {"reason": "measured by hand", "expected_epoch": 1, "override": True}
    moved = etalon.http.post(f"/models/{newer}/promote", json=order, headers=admin.headers)
    assert moved.status_code == 200, moved.text
    assert answers_soon(etalon, customer, newer)
    assert etalon.http.post(f"/models/{newer}/promote", json=order, headers=admin.headers).status_code == 409
    order = {"reason": "worse on lamps", "expected_epoch": 2}
    assert etalon.http.post("/models/rollback", json=order, headers=admin.headers).status_code == 200
    assert answers_soon(etalon, customer, etalon.model)


def answers_soon(etalon: Etalon, customer: Caller, version: str) -> bool:
    """Whether one of the next answers names a version."""
    for _ in range(200):
        answer = etalon.http.post("/predict", data={"designation": "a lamp"}, headers=customer.headers)
        if answer.json()["model"]["version"] == version:
            return True
    return False
