"""A client's day against the running service, on both databases: what each step is answered is part of the contract."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from core.db.models import Outbox
from core.store.snapshot import Snapshot
from tests.api import matrix
from tests.api.conftest import on_both_databases
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.packaged import TITLES
from tests.integration.api.toys import problem

pytestmark = on_both_databases
_UNKNOWN_CODE = 999


def refused(answer: httpx.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:300]}"
    found = problem(answer)["code"]
    assert code is None or found == code


def predict(etalon: Etalon, caller: Caller, **parts: Any) -> httpx.Response:
    return etalon.http.post("/predict", files=parts, headers=caller.headers)


def test_who_may_not_is_told_which_way_round(etalon: Etalon, customer: Caller, reviewer: Caller) -> None:
    refused(etalon.http.get("/predictions"), 401)
    refused(etalon.http.post("/token", data={"username": customer.username, "password": "wrong"}), 401)
    refused(etalon.http.get("/review/next", headers=customer.headers), 403)
    refused(etalon.http.get("/admin/users", headers=reviewer.headers), 403)
    anothers = etalon.predict(etalon.hire("customer"))
    refused(etalon.http.get(f"/predictions/{anothers}", headers=customer.headers), 404)
    refused(etalon.http.get(f"/predictions/{matrix.NOWHERE}", headers=reviewer.headers), 404)


def test_a_product_needs_a_title_and_no_photo(etalon: Etalon, customer: Caller) -> None:
    refused(predict(etalon, customer, image=("a.jpg", etalon.photo)), 422)
    refused(predict(etalon, customer, designation=(None, b"a lamp"), image=("a.jpg", b"no photo")), 422)
    answer = predict(etalon, customer, designation=(None, TITLES[2].encode()))
    assert answer.status_code == 201
    assert (answer.json()["modality"], answer.json()["prdtypecode"]) == ("text-only", 2060)


def test_a_code_outside_the_taxonomy_is_refused_everywhere(etalon: Etalon, customer: Caller, admin: Caller) -> None:
    made = etalon.predict(customer)
    refused(etalon.decide(admin, made, accept=True, prdtypecode=_UNKNOWN_CODE), 422)
    modified = etalon.http.patch(f"/predictions/{made}", json={"prdtypecode": _UNKNOWN_CODE}, headers=admin.headers)
    refused(modified, 422)
    items = [{"id": made, "prdtypecode": _UNKNOWN_CODE}]
    refused(etalon.http.post("/predictions/validate", json={"items": items}, headers=admin.headers), 422)


def test_validating_twice_is_refused_and_gives_one_training_row(
    etalon: Etalon, customer: Caller, reviewer: Caller, admin: Caller
) -> None:
    made = etalon.predict(customer)
    assert etalon.decide(reviewer, made, accept=True).status_code == 200
    refused(etalon.decide(admin, made, accept=True), 409)
    modified = etalon.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=admin.headers)
    refused(modified, 409)
    assert training_codes(etalon, made) == [10]


def test_a_modified_code_reaches_the_training_data_and_earlier_rows_stay(
    etalon: Etalon, customer: Caller, reviewer: Caller
) -> None:
    earlier = etalon.predict(customer)
    etalon.decide(reviewer, earlier, accept=True)
    before = training_bytes(etalon, f"before-{earlier}")
    made = etalon.predict(customer)
    assert etalon.http.patch(f"/predictions/{made}", json={"prdtypecode": 2060}, headers=reviewer.headers).is_success
    assert etalon.decide(reviewer, made, accept=True).json()["prdtypecode"] == 2060
    assert training_codes(etalon, made) == [2060]
    assert training_bytes(etalon, f"after-{made}").startswith(before)
    refused(etalon.decide(reviewer, made, accept=True), 409)


def test_a_rejected_product_leaves_the_training_data_as_it_was(
    etalon: Etalon, customer: Caller, reviewer: Caller
) -> None:
    made = etalon.predict(customer)
    before = training_bytes(etalon, f"before-{made}")
    assert etalon.decide(reviewer, made, accept=False, reason="another seller's photo").status_code == 200
    assert training_bytes(etalon, f"after-{made}") == before


def test_of_two_admins_at_once_one_decides(etalon: Etalon, customer: Caller, admin: Caller) -> None:
    other = etalon.hire("admin")
    for _ in range(15):
        made = etalon.predict(customer)
        answers = at_once(lambda who, made=made: etalon.decide(who, made, accept=True), (admin, other))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert len([row for row in etalon.rows(Outbox) if row.prediction_id == made]) == 1


def test_of_two_admins_who_delete_one_another_one_stays(etalon: Etalon) -> None:
    one, other = etalon.hire("admin"), etalon.hire("admin")
    pairs = ((one, other), (other, one))

    def delete(pair: tuple[Caller, Caller]) -> httpx.Response:
        return etalon.http.delete(f"/admin/users/{pair[1].id}", headers=pair[0].headers)

    statuses = [answer.status_code for answer in at_once(delete, pairs)]
    assert len([status for status in statuses if status in (202, 204)]) == 1
    assert all(status in (202, 204, 401, 403, 404, 409, 503) for status in statuses)


def at_once(ask: Callable[[Any], httpx.Response], who: tuple[Any, ...]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(who)) as pool:
        return list(pool.map(ask, who))


def training_bytes(etalon: Etalon, run_key: str) -> bytes:
    """The training data as one file, with everything that waits in it."""
    etalon.append(run_key)
    path = etalon.store.training / "training.csv"
    return path.read_bytes() if path.exists() else b""


def training_codes(etalon: Etalon, prediction_id: str) -> list[int]:
    """The codes of a product's rows."""
    etalon.append(f"codes-{prediction_id}")
    snapshot = Snapshot.open(etalon.store.training)
    return [row.prdtypecode for row in snapshot.rows if row.prediction_id == prediction_id]
