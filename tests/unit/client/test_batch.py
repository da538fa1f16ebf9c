"""Many products from a shell: sources, results that a stopped batch goes on with, refusals, patience."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import EtalonClient
from client.batch import BadSource, Product, Results, Stopped, Tally, predict_all, products_in
from tests.unit.client.miniature import PREDICTION, problem

Respond = Callable[[bytes], httpx.Response | None]


class Shop(httpx.BaseTransport):
    """Answers predictions, one for one key, and remembers what was staged."""

    def __init__(self, respond: Respond = lambda form: None) -> None:
        self.respond = respond
        self.asked: Counter[str] = Counter()
        self.staged: dict[str, bytes] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        form = request.read()
        assert request.headers["authorization"] == "Bearer etalon_key"
        refused = self.respond(form)
        if refused is not None:
            return refused
        key = request.headers["idempotency-key"]
        self.asked[key] += 1
        self.staged.setdefault(key, form)
        number = list(self.staged).index(key)
        return httpx.Response(201, json={**PREDICTION, "id": f"p-{number}"})


def client_of(shop: Shop, sleep: Callable[[float], None] = lambda seconds: None) -> EtalonClient:
    return EtalonClient("http://service", api_key="etalon_key", transport=shop, sleep=sleep)


def run(shop: Shop, products: list[Product], path: Path, **options: Any) -> Tally:
    with client_of(shop) as client, Results(path) as results:
        return predict_all(client, products, results, **options)


def titled(count: int) -> list[Product]:
    return [Product(str(number), f"Produit {number}", None, None) for number in range(count)]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_csv_is_read_with_its_photos_beside_it(tmp_path: Path) -> None:
    source = write_csv(
        tmp_path / "p.csv", "id,designation,description,image", 'a,"Lot, 3 livres",,photos/a.jpg', "b,NA,x,"
    )
    assert products_in(source) == [
        Product("a", "Lot, 3 livres", None, tmp_path / "photos" / "a.jpg"),
        Product("b", "NA", "x", None),
    ]


def test_the_challenges_own_file_is_understood(tmp_path: Path) -> None:
    source = write_csv(
        tmp_path / "X.csv", ",designation,description,productid,imageid", "84916,Folkmanis,,516376098,1019294171"
    )
    (product,) = products_in(source, tmp_path / "image_test")
    assert product.reference == "84916"
    assert product.photo == tmp_path / "image_test" / "image_1019294171_product_516376098.jpg"


def test_a_folder_is_read_by_names(tmp_path: Path) -> None:
    (tmp_path / "lamp.jpg").write_bytes(b"photo")
    (tmp_path / "pool.txt").write_text("Piscine gonflable\nbleue\net ronde\n", encoding="utf-8")
    (tmp_path / "pool.PNG").write_bytes(b"photo")
    (tmp_path / "notes.md").write_text("not a product")
    assert products_in(tmp_path) == [
        Product("lamp", None, None, tmp_path / "lamp.jpg"),
        Product("pool", "Piscine gonflable", "bleue\net ronde", tmp_path / "pool.PNG"),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["title", "a"], "designation"),
        (["id,designation", "a,x", "a,y"], "two products"),
        (["id,designation", '"a\nb",x'], "cannot be printed"),
    ],
)
def test_what_is_no_list_of_products_is_refused_with_its_place(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(BadSource, match=said):
        products_in(write_csv(tmp_path / "p.csv", *rows))


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"designation\nLot\n\xe9t\xe9\n")
    with pytest.raises(BadSource, match=r"p\.csv, line"):
        products_in(tmp_path / "p.csv")


def test_every_product_gets_a_line_in_its_order(tmp_path: Path) -> None:
    tally = run(Shop(), titled(40), tmp_path / "out.csv", workers=8)
    rows = rows_of(tmp_path / "out.csv")
    assert [row["reference"] for row in rows] == [str(number) for number in range(40)]
    assert rows[0]["prdtypecode"] == "2583"
    assert (tally.answered, tally.refused, tally.skipped) == (40, 0, 0)


def test_a_refused_product_gets_its_reason_and_the_others_their_answers(tmp_path: Path) -> None:
    shop = Shop(lambda form: problem(422, "image.undecodable") if b"Produit 1" in form else None)
    missing = Product("gone", "x", None, tmp_path / "gone.jpg")
    tally = run(shop, [*titled(3), missing], tmp_path / "out.csv")
    errors = {row["reference"]: row["error"] for row in rows_of(tmp_path / "out.csv")}
    assert errors == {"0": "", "1": "image.undecodable", "2": "", "gone": "photo.unreadable"}
    assert (tally.answered, tally.refused) == (2, 2)


def test_a_stopped_batch_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    shop = Shop(lambda form: problem(403, "account.role_too_low") if b"Produit 7" in form else None)
    with pytest.raises(Stopped) as raised:
        run(shop, titled(12), tmp_path / "out.csv", workers=2)
    assert 0 < len(rows_of(tmp_path / "out.csv")) < 12
    assert "403" in str(raised.value)
    shop.respond = lambda form: None
    tally = run(shop, titled(12), tmp_path / "out.csv", workers=2)
    rows = rows_of(tmp_path / "out.csv")
    assert sorted(int(row["reference"]) for row in rows) == list(range(12))
    assert tally.skipped == 12 - tally.answered > 0
    assert len(shop.staged) == 12


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_line_that_was_cut_off_is_asked_for_again_under_the_same_key(tmp_path: Path, name: str) -> None:
    shop, path = Shop(), tmp_path / name
    run(shop, titled(3), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert run(shop, titled(3), path).answered == 1
    assert path.read_bytes() == whole
    assert len(shop.staged) == 3


def test_jsonl_takes_whole_answers(tmp_path: Path) -> None:
    run(Shop(), titled(1), tmp_path / "out.jsonl")
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["prediction"]["a_field_from_the_future"] is True


def test_a_changed_product_or_another_model_is_another_question(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    product = Product("a", "x", None, tmp_path / "a.jpg")
    keys = {
        product.key(b"one", None),
        product.key(b"two", None),
        product.key(b"one", "resnet50"),
        Product("b", "x", None, None).key(b"one", None),
        Product("a", "x", "", None).key(b"one", None),
    }
    assert len(keys) == 5
    assert product.key(b"one", None) == Product("a", "x", None, None).key(b"one", None)


def test_a_busy_service_is_asked_again_when_it_says(tmp_path: Path) -> None:
    busy = [problem(429, "account.too_many_requests", **{"Retry-After": "17"})]
    shop = Shop(lambda form: busy.pop() if busy else None)
    waits: list[float] = []
    with client_of(shop, waits.append) as client, Results(tmp_path / "out.csv") as results:
        assert predict_all(client, titled(2), results, workers=1).answered == 2
    assert waits == [17.0]


def test_references_that_look_like_formulas_are_quoted(tmp_path: Path) -> None:
    run(Shop(), [Product("=1+1", "x", None, None)], tmp_path / "out.csv")
    assert rows_of(tmp_path / "out.csv")[0]["reference"] == "'=1+1"


@pytest.mark.parametrize("name", ["out.txt", "other.csv", "other.jsonl"])
@pytest.mark.parametrize("content", ["designation\nLot\n", "no line's end"])
def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(BadSource):
        Results(path)
    assert path.read_text() == content


def test_progress_is_told_with_a_rate(tmp_path: Path) -> None:
    told: list[str] = []
    run(Shop(), titled(3), tmp_path / "out.csv", tell=told.append)
    assert told[-1].startswith("3 of 3 products, ")
    assert "a second" in told[-1]
