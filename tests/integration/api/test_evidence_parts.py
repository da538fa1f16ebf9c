"""The parts of the desk that show labelled products: in the reader's language, every text escaped, nothing invented."""

import re

import pytest

from api.settings import ServiceSettings
from core.settings import StoreSettings
from tests.integration.api.toys import Service, ToyModel, problem
from tests.toys.labelled import SHAS, Labelled, embed, put, read

SCRIPT = "a lamp <script>alert(1)</script>"
PRODUCTS = [Labelled("p0", SCRIPT, 2060, "red"), Labelled("p1", "a lamp", 2060), Labelled("p2", "book of woods", 10)]


@pytest.fixture(autouse=True)
def _seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyModel, "encoders", SHAS)
    monkeypatch.setattr(ToyModel, "read", read, raising=False)


@pytest.fixture
def store(settings: ServiceSettings) -> StoreSettings:
    return settings.store


def part(service: Service, path: str, who: str = "remy", language: str = "en") -> str:
    service.app.state.parts.evidence.keeper.refresh()
    headers = {**service.sign_in(who), "HX-Request": "true", "Accept-Language": language}
    answer = service.http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def sent(service: Service, designation: str = "a lamp") -> str:
    return service.predict(service.sign_in("carla"), designation)["id"]


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_evidence_says_what_is_alike_by_what_and_how_much_was_searched(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    html = part(service, f"/review/evidence/{sent(service)}")
    said = words_of(html)
    assert "2 × Lamps" in said
    assert "Nearly the same, 100% · by the text" in said
    assert "Searched: 3 of 3 labelled products." in said
    assert html.count("<figure>") == 3
    assert 'src="/training-rows/000000-base.0/image"' in html


def test_a_script_in_a_title_is_text(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    html = part(service, f"/review/evidence/{sent(service)}") + part(service, "/review/guide/2060")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_photo_says_in_words_what_it_shows(service: Service, store: StoreSettings) -> None:
    put(store, [Labelled("p0", "a lamp", 2060, "red")])
    embed(store)
    html = part(service, f"/review/evidence/{sent(service)}")
    assert re.search(r'alt="Photo: a lamp\. Labelled Lamps\. (Nearly the same|Hardly similar), \d+%\."', html)


def test_french_readers_are_told_in_french(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    (store.root / "guidelines.csv").write_text(
        "prdtypecode,en,fr\n2060,What lights.,Ce qui éclaire.\n", encoding="utf-8"
    )
    said = words_of(part(service, f"/review/evidence/{sent(service)}", language="fr"))
    assert "3 produits étiquetés sur 3." in said
    guide = words_of(part(service, "/review/guide/2060", language="fr"))
    assert "Ce qui éclaire." in guide
    assert "Lampes" in guide


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda store: None, "There are no labelled products yet."),
        (lambda store: put(store, PRODUCTS), "cannot be compared yet. There are 3, but"),
    ],
    ids=["no rows", "no features"],
)
def test_what_is_missing_is_said(service: Service, store: StoreSettings, prepare: object, words: str) -> None:
    prepare(store)  # type: ignore[operator]
    assert words in words_of(part(service, f"/review/evidence/{sent(service)}"))


def test_while_predictions_wait_the_part_says_that_they_go_first(
    service: Service, store: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, PRODUCTS)
    embed(store)
    prediction_id = sent(service)
    part(service, f"/review/evidence/{prediction_id}")
    monkeypatch.setattr(service.app.state.parts.admission, "_promised", 1)
    assert "Predictions go first just now." in words_of(part(service, f"/review/evidence/{prediction_id}"))


def test_a_category_without_anything_to_show_says_so(service: Service) -> None:
    assert "There is nothing to show of this category yet." in words_of(part(service, "/review/guide/10"))


def test_parts_are_for_those_who_review(service: Service) -> None:
    headers = {**service.sign_in("carla"), "HX-Request": "true"}
    for path in (f"/review/evidence/{sent(service)}", "/review/guide/10"):
        assert problem(service.http.get(path, headers=headers))["code"] == "account.role_too_low"


def test_a_product_that_is_gone_has_no_evidence(service: Service) -> None:
    headers = {**service.sign_in("remy"), "HX-Request": "true"}
    assert problem(service.http.get("/review/evidence/nothing", headers=headers))["status"] == 404


def test_both_parts_end_where_they_begin(service: Service, store: StoreSettings) -> None:
    put(store, PRODUCTS)
    embed(store)
    for html in (part(service, f"/review/evidence/{sent(service)}"), part(service, "/review/guide/2060")):
        assert html.strip().startswith("<section")
        assert html.strip().endswith("</section>")
