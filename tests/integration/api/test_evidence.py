"""Evidence is of labelled products that models learn from, that still stand, and says how much was looked at."""

import io
import secrets
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.settings import ServiceSettings
from core.settings import StoreSettings
from core.store.manifests import Tombstone, publish_batch
from core.store.segments import BASE_SEGMENT
from preprocessing.ingest.append import append
from tests.integration.api.toys import Service, ToyModel, problem
from tests.toys.labelled import COLOURS, SHAS, Labelled, embed, put, read

RED_LAMP = Labelled("p0", "a zzz lamp", 2060, "red")
BLUE_LAMP = Labelled("p1", "a zzz lamp", 2060, "blue")
WORDS_ALONE = Labelled("p2", "a zzz lamp", 2060)
BOOK = Labelled("p3", "book of woods", 10, "green")
PRODUCTS = [RED_LAMP, BLUE_LAMP, WORDS_ALONE, BOOK]


@pytest.fixture(autouse=True)
def _seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy model reads letters and colours."""
    monkeypatch.setattr(ToyModel, "encoders", SHAS)
    monkeypatch.setattr(ToyModel, "read", read, raising=False)


@pytest.fixture
def store(settings: ServiceSettings) -> StoreSettings:
    return settings.store


def photo_of(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), COLOURS[colour]).save(out, "PNG")
    return out.getvalue()


def send(service: Service, designation: str, colour: str | None = None) -> str:
    """A customer's product; its id."""
    files = {"image": ("photo.png", photo_of(colour))} if colour else {}
    headers = service.sign_in("carla")
    answer = service.http.post("/predict", data={"designation": designation}, files=files, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def ask(service: Service, prediction_id: str) -> dict[str, Any]:
    service.app.state.parts.evidence.keeper.refresh()
    answer = service.http.get(f"/predictions/{prediction_id}/evidence", headers=service.sign_in("remy"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def guide(service: Service, code: int) -> dict[str, Any]:
    service.app.state.parts.evidence.keeper.refresh()
    answer = service.http.get(f"/classes/{code}/guide", headers=service.sign_in("remy"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def products_of(found: list[dict[str, Any]]) -> list[str]:
    return [one["product_id"] for one in found]


def test_the_most_alike_product_comes_first_and_says_by_what(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    found = ask(service, send(service, "a zzz lamp", "red"))
    assert products_of(found["items"])[0] == "p0"
    first = found["items"][0]
    assert (first["row"], first["label"], first["by"]) == ("000000-base.0", "Lamps", "both")
    assert first["similarity"] == pytest.approx(1.0, abs=0.01)
    text_alone = next(one for one in found["items"] if one["product_id"] == "p2")
    assert (text_alone["by"], text_alone["image_similarity"]) == ("text", None)
    assert text_alone["similarity"] == pytest.approx(0.5, abs=0.01)
    assert found["codes"][0] == {"prdtypecode": 2060, "label": "Lamps", "theme": "Home", "count": 3}
    assert (found["searched"], found["rows"], found["compared"]) == (4, 4, ["text", "image"])


def test_a_product_without_a_photo_is_compared_by_its_words(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    found = ask(service, send(service, "a zzz lamp"))
    assert found["compared"] == ["text"]
    assert {one["by"] for one in found["items"]} == {"text"}
    assert products_of(found["items"])[-1] == "p3"


def test_a_product_without_words_is_compared_by_its_photo(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    found = ask(service, send(service, "…", "blue"))
    assert found["compared"] == ["image"]
    assert products_of(found["items"])[0] == "p1"
    assert found["items"][0]["by"] == "image"


@pytest.mark.parametrize("split", ["validation", "holdout", "fresh", "none"])
def test_products_that_models_are_measured_by_are_never_shown(
    service: Service, store: StoreSettings, split: str
) -> None:
    put(store, [Labelled("measured", "a zzz lamp", 2060, "red", split), BOOK])
    embed(store)
    found = ask(service, send(service, "a zzz lamp", "red"))
    assert products_of(found["items"]) == ["p3"]
    assert found["rows"] == 1
    assert products_of(guide(service, 2060)["examples"]) == []


def test_a_retracted_row_vanishes_with_its_manifest_before_the_index_hears_of_it(
    service: Service, store: StoreSettings
) -> None:
    put(store, PRODUCTS)
    embed(store)
    prediction_id, headers = send(service, "a zzz lamp", "red"), service.sign_in("remy")
    assert products_of(ask(service, prediction_id)["items"])[0] == "p0"
    publish_batch(store.training, None, [Tombstone(BASE_SEGMENT, 0)], taxonomy_version="t")
    found = service.http.get(f"/predictions/{prediction_id}/evidence", headers=headers).json()
    assert "p0" not in products_of(found["items"])
    assert "p0" not in products_of(service.http.get("/classes/2060/guide", headers=headers).json()["examples"])
    assert problem(service.http.get("/training-rows/000000-base.0/image", headers=headers))["status"] == 404
    assert ask(service, prediction_id)["rows"] == 3


@pytest.mark.parametrize("how", ["retract", "correct", "delete"])
def test_a_label_that_was_taken_back_is_not_shown_while_the_store_still_holds_it(
    service: Service, store: StoreSettings, how: str
) -> None:
    theirs = validated(service, store, "zzz lamp")
    asked = send(service, "a zzz lamp")
    assert theirs in products_of(ask(service, asked)["items"])
    admin = service.sign_in("ada")
    if how == "delete":
        assert service.http.delete(f"/predictions/{theirs}", headers=admin).status_code == 202
    else:
        body = {"prdtypecode": 10} if how == "correct" else {}
        assert service.http.post(f"/predictions/{theirs}/{how}", json=body, headers=admin).status_code == 200
    assert theirs not in products_of(ask(service, asked)["items"])
    assert theirs not in products_of(guide(service, 2060)["examples"])


def test_products_of_a_person_who_left_are_not_shown(service: Service, store: StoreSettings) -> None:
    theirs = validated(service, store, "zzz lamp")
    asked = service.predict(service.sign_in("remy"), "a zzz lamp")["id"]
    assert theirs in products_of(ask(service, asked)["items"])
    left = service.http.request(
        "DELETE", "/users/me", json={"password": "correct horse battery"}, headers=service.sign_in("carla")
    )
    assert left.status_code in (202, 204), left.text
    assert theirs not in products_of(ask(service, asked)["items"])


def validated(service: Service, store: StoreSettings, designation: str) -> str:
    """A product that was sent, accepted and brought into the store's split ``train``; its id."""
    while True:
        prediction_id, headers = send(service, f"{designation} {secrets.token_hex(8)}"), service.sign_in("remy")
        answer = service.http.post(f"/predictions/{prediction_id}/validate", json={"accept": True}, headers=headers)
        assert answer.status_code == 200, answer.text
        append(service.app.state.parts.sessions, store, run_key=prediction_id)
        embed(store)
        row = next(row for row in _rows(service, store) if row.prediction_id == prediction_id)
        if row.split == "train":  # one in ten is drawn for measuring, by its content
            return prediction_id


def _rows(service: Service, store: StoreSettings) -> list[Any]:
    from core.store.snapshot import Snapshot

    return Snapshot.open(store.training).rows


def test_a_product_is_no_evidence_for_itself(service: Service, store: StoreSettings) -> None:
    own = validated(service, store, "zzz lamp")
    assert own not in products_of(ask(service, own)["items"])


def test_without_features_the_answer_says_that_nothing_was_searched(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    found = ask(service, send(service, "a zzz lamp", "red"))
    assert (found["items"], found["searched"], found["rows"], found["compared"]) == ([], 0, 4, [])


def test_a_new_batch_is_counted_at_once_and_searched_when_its_features_are_there(
    service: Service, store: StoreSettings
) -> None:
    put(store, [BOOK])
    embed(store)
    prediction_id = send(service, "a zzz lamp", "red")
    put(store, [RED_LAMP], segment="000001")
    before = ask(service, prediction_id)
    assert (before["searched"], before["rows"]) == (1, 2)
    embed(store)
    after = ask(service, prediction_id)
    assert (after["searched"], after["rows"]) == (2, 2)
    assert products_of(after["items"]) == ["p0", "p3"]


def test_features_of_one_half_are_enough(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store, only=["text"])
    found = ask(service, send(service, "a zzz lamp", "red"))
    assert (found["searched"], found["compared"]) == (4, ["text"])
    assert {one["by"] for one in found["items"]} == {"text"}


def test_an_empty_store_has_no_evidence_and_no_examples(service: Service) -> None:
    found = ask(service, send(service, "a zzz lamp"))
    assert (found["items"], found["searched"], found["rows"]) == ([], 0, 0)
    assert guide(service, 10)["examples"] == []


def test_a_changed_store_is_said_to_be_so(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    prediction_id = send(service, "a zzz lamp")
    ask(service, prediction_id)
    path = store.training / "segments" / BASE_SEGMENT / "products.csv"
    path.write_bytes(path.read_bytes() + b"more\n")
    answer = service.http.get(f"/predictions/{prediction_id}/evidence", headers=service.sign_in("remy"))
    assert problem(answer)["code"] == "store.corrupt_segment"


def test_predictions_that_wait_go_first(
    service: Service, store: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, PRODUCTS)
    embed(store)
    prediction_id = send(service, "a zzz lamp")
    ask(service, prediction_id)
    monkeypatch.setattr(service.app.state.parts.admission, "_promised", 1)
    answer = service.http.get(f"/predictions/{prediction_id}/evidence", headers=service.sign_in("remy"))
    assert problem(answer)["code"] == "evidence.busy"


def test_a_row_s_photo_is_what_models_see(service: Service, store: StoreSettings, reviewer: dict[str, str]) -> None:
    put(store, PRODUCTS)
    answer = service.http.get("/training-rows/000000-base.1/image", headers=reviewer)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    with Image.open(io.BytesIO(answer.content)) as photo:
        assert photo.size == (224, 224)
        assert np.abs(np.asarray(photo).mean(axis=(0, 1)) - COLOURS["blue"]).max() < 4


@pytest.mark.parametrize("row", ["000000-base.2", "000000-base.99", "000009.0", "nothing"])
def test_a_row_without_a_photo_or_no_row_is_not_found(
    service: Service, store: StoreSettings, reviewer: dict[str, str], row: str
) -> None:
    put(store, PRODUCTS)
    answer = service.http.get(f"/training-rows/{row}/image", headers=reviewer)
    assert problem(answer)["code"] == "evidence.unknown_row"


def test_examples_are_typical_photographed_and_no_copies(service: Service, store: StoreSettings) -> None:
    usual = [Labelled(f"u{at}", f"lamp {'l' * at}", 2060, "red", cluster=f"c{at // 2}") for at in range(4)]
    odd = Labelled("odd", "xylophone jukebox", 2060, "green")
    put(store, [odd, WORDS_ALONE, *usual, BOOK])
    embed(store)
    found = guide(service, 2060)
    assert (found["label"], found["label_fr"], found["guideline"]) == ("Lamps", "Lampes", None)
    shown = products_of(found["examples"])
    assert len(shown) == 4
    assert {shown[0][0], shown[1][0]} == {"u"}
    assert shown[2:] == ["odd", "p2"]
    assert guide(service, 2060) == found


def test_examples_need_no_features(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    assert products_of(guide(service, 2060)["examples"]) == ["p0", "p1", "p2"]


def test_a_guideline_is_read_again_when_its_file_is_another(service: Service, store: StoreSettings) -> None:
    path = store.root / "guidelines.csv"
    path.write_text("prdtypecode,en,fr\n10,Books you read.,Des livres à lire.\n", encoding="utf-8")
    assert guide(service, 10)["guideline"] == {"en": "Books you read.", "fr": "Des livres à lire."}
    assert guide(service, 40)["guideline"] is None
    path.write_text("prdtypecode,en\n10,Only used books.\n", encoding="utf-8")
    assert guide(service, 10)["guideline"]["en"] == "Only used books."
    path.write_text("no guidelines", encoding="utf-8")
    assert guide(service, 10)["guideline"] is None


def test_a_category_that_is_not_there_has_no_guide(service: Service, reviewer: dict[str, str]) -> None:
    assert problem(service.http.get("/classes/11/guide", headers=reviewer))["code"] == "evidence.unknown_category"


def test_the_index_is_kept_in_step_by_itself(start: Callable[..., Service], store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    service = start()
    keeper = service.app.state.parts.evidence.keeper
    for _ in range(200):
        if keeper.index is not None and keeper.index.searched(SHAS) == 4:
            break
        keeper._stopping.wait(0.05)
    assert keeper.index.searched(SHAS) == 4
