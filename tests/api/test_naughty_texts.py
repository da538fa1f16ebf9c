"""More than 500 odd texts through every text field: what is accepted is kept and given back unchanged, to a letter.

A text is refused for a reason that its field states: it holds a NUL, it is too long or too short, or a title shows
nothing. Nothing else may stop one, and nothing may change one on its way to the database, the training data and back.
"""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pandas as pd

from core.db.models import Prediction, Verdict
from tests.api import naughty
from tests.api.conftest import on_both_databases
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.integration.api.toys import problem

TEXTS = naughty.texts()
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def test_there_are_more_than_five_hundred_texts() -> None:
    assert len(TEXTS) >= 550
    assert len(set(TEXTS)) == len(TEXTS)


def storable(text: str, longest: int, shortest: int = 0) -> bool:
    return "\x00" not in text and shortest <= len(text) <= longest


def require_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 422, f"{answer.status_code} {answer.text[:300]}"
    problem(answer)


# --- products -------------------------------------------------------------------------------------------------------


def is_title(text: str) -> bool:
    return storable(text, 1000, 1) and not naughty.shows_nothing(text)


def send_product(etalon: Etalon, customer: Caller, designation: str, description: str) -> httpx.Response:
    """With a photo, so that a model has something to go on where a text is nothing but a tag."""
    files: dict[str, Any] = {"designation": (None, designation.encode()), "description": (None, description.encode())}
    files["image"] = ("photo.jpg", etalon.photo)
    return etalon.http.post("/predict", files=files, headers=customer.headers)


@on_both_databases
def test_a_product_s_texts_reach_the_database_and_the_training_data_and_come_back_unchanged(
    etalon: Etalon, customer: Caller, reviewer: Caller
) -> None:
    sent: dict[str, tuple[str, str]] = {}
    for text in TEXTS:
        title, words = text if is_title(text) else "a lamp", text if storable(text, 5000) else ""
        answer = send_product(etalon, customer, title, words)
        assert answer.status_code == 201, (text[:40], answer.text[:300])
        made = answer.json()
        assert (made["designation"], made["description"] or "") == (title, words)
        sent[made["id"]] = (title, words)

    rows = {row.id: row for row in etalon.rows(Prediction) if row.id in sent}
    assert {key: (row.designation, row.description or "") for key, row in rows.items()} == sent
    for prediction_id, texts in sent.items():
        read = etalon.http.get(f"/predictions/{prediction_id}", headers=customer.headers).json()
        assert (read["designation"], read["description"] or "") == texts

    exported = {row["id"]: row for row in export(etalon, customer)}
    assert {key: (as_sent(exported[key]["designation"]), as_sent(exported[key]["description"])) for key in sent} == sent

    accept_all(etalon, reviewer, list(sent))
    while any(row.status == "validated" for row in etalon.rows(Prediction)):
        etalon.append(f"naughty-{len(etalon.rows(Verdict))}")
    assert in_training_data(etalon, sent.keys(), by_standard_library) == sent
    assert in_training_data(etalon, sent.keys(), by_pandas) == sent
    assert etalon.violations() == []


@on_both_databases
def test_a_product_whose_texts_cannot_be_kept_is_refused(etalon: Etalon, customer: Caller) -> None:
    before = etalon.state()
    for text in TEXTS:
        if not is_title(text):
            require_refused(send_product(etalon, customer, text, ""))
        if not storable(text, 5000):
            require_refused(send_product(etalon, customer, "a lamp", text))
    assert etalon.state() == before


def export(etalon: Etalon, caller: Caller) -> list[dict[str, str]]:
    """The rows of a caller's CSV, none of which begins with what a spreadsheet takes for a formula."""
    file = etalon.http.get("/predictions.csv", headers=caller.headers)
    assert file.status_code == 200
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8"), newline="")))
    texts = [row[name] for row in rows for name in ("designation", "description")]
    assert not [text for text in texts if text.startswith(FORMULAS)]
    return rows


def as_sent(cell: str) -> str:
    """A text of the export without the apostrophe that makes it harmless."""
    return cell.removeprefix("'")


def accept_all(etalon: Etalon, reviewer: Caller, ids: list[str]) -> None:
    for start in range(0, len(ids), 200):
        items = [{"id": one} for one in ids[start : start + 200]]
        done = etalon.http.post("/predictions/validate", json={"items": items}, headers=reviewer.headers)
        assert done.status_code == 200, done.text[:300]


def in_training_data(
    etalon: Etalon, ids: Iterable[str], read: Callable[[Any], Iterable[dict[str, str]]]
) -> dict[str, tuple[str, str]]:
    rows = read(etalon.store.training / "training.csv")
    wanted = set(ids)
    return {
        row["prediction_id"]: (row["designation"], row["description"]) for row in rows if row["prediction_id"] in wanted
    }


def by_standard_library(path: Any) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_pandas(path: Any) -> Iterable[dict[str, str]]:
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False).to_dict("records")


# --- reasons --------------------------------------------------------------------------------------------------------


@on_both_databases
def test_every_reason_for_a_verdict_is_kept_and_given_back_unchanged(
    etalon: Etalon, customer: Caller, admin: Caller
) -> None:
    """One product, decided about again and again: rejected, accepted in bulk and alone, and taken back both ways."""
    made, reviewer = etalon.predict(customer), etalon.hire("reviewer")
    ever = {"reviewer": reviewer.username, "since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    steps: list[tuple[Caller, str, dict[str, Any]]] = [
        (reviewer, f"/predictions/{made}/validate", {"accept": False}),
        (reviewer, f"/predictions/{made}/undo", {}),
        (reviewer, "/predictions/validate", {"items": [{"id": made}]}),
        (reviewer, "/predictions/undo", {"items": [{"id": made}]}),
        (reviewer, "/predictions/validate", {"items": [{"id": made}]}),
        (admin, "/admin/retractions", ever),
        (admin, f"/predictions/{made}/undo", {}),
        (reviewer, f"/predictions/{made}/validate", {"accept": True}),
        (admin, f"/predictions/{made}/retract", {}),
        (admin, f"/predictions/{made}/undo", {}),
    ]
    given: list[str] = []
    for text in TEXTS:
        for caller, path, body in steps:
            answer = etalon.http.post(path, json={**body, "reason": text}, headers=caller.headers)
            if storable(text, 500):
                assert answer.status_code == 200, (text[:40], answer.text[:300])
                given.append(text)
            else:
                require_refused(answer)
    assert reasons(etalon, made, customer) == given


@on_both_databases
def test_the_reason_for_a_correction_is_kept_and_given_back_unchanged(
    etalon: Etalon, customer: Caller, reviewer: Caller, admin: Caller
) -> None:
    made = etalon.predict(customer)
    etalon.decide(reviewer, made, accept=True)
    etalon.append(f"correction-{made}")
    given: list[str | None] = [None]
    for number, text in enumerate(TEXTS):
        answer = etalon.decide(admin, made, "correct", prdtypecode=(40, 2060)[number % 2], reason=text)
        if not storable(text, 500):
            require_refused(answer)
            continue
        assert answer.status_code == 200, (text[:40], answer.text[:300])
        given.append(text)
    assert reasons(etalon, made, customer) == given


def reasons(etalon: Etalon, prediction_id: str, caller: Caller) -> list[str | None]:
    """Of every decision about a product, oldest first, the database's and the service's word for it being the same."""
    kept = [row for row in etalon.rows(Verdict) if row.prediction_id == prediction_id]
    kept.sort(key=lambda row: row.prediction_version)
    shown = etalon.http.get(f"/predictions/{prediction_id}/history", headers=caller.headers).json()["items"]
    assert [row.reason for row in kept] == [item["reason"] for item in shown]
    return [row.reason for row in kept]
