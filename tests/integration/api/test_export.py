"""GET /predictions.csv."""

import csv
import io
import resource
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from api.predictions import export
from core.db.models import Prediction
from core.db.repositories.predictions import Filter
from tests.integration.api.toys import Service
from tests.toys.predictions import staged


def download(service: Service, headers: dict[str, str], **query: Any) -> list[dict[str, str]]:
    answer = service.http.get("/predictions.csv", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def original(cell: str) -> str:
    """The text as it was sent, by the documented rule."""
    return cell.removeprefix("'")


def add_rows(service: Service, owner_id: str, count: int) -> None:
    """Stage so many predictions at once, all before now."""
    with service.app.state.parts.sessions.begin() as session:
        session.execute(insert(Prediction), staged(owner_id, count))


def test_a_line_says_what_a_list_says(
    service: Service, customer: dict[str, str], admin: dict[str, str], photo: bytes
) -> None:
    fields = {"designation": 'a "book", twice', "description": "one\r\ntwo"}
    made = service.http.post("/predict", data=fields, files={"image": photo}, headers=customer).json()
    service.http.post(f"/predictions/{made['id']}/validate", json={"accept": True, "prdtypecode": 40}, headers=admin)
    (line,) = download(service, customer)
    (item,) = service.http.get("/predictions", headers=customer).json()["items"]
    assert tuple(line) == export.COLUMNS
    plain = ("id", "owner", "status", "designation", "description", "modality", "label", "theme")
    assert {name: line[name] for name in plain} == {name: item[name] for name in plain}
    assert [line[name] for name in ("prdtypecode", "suggested_code", "final_code", "version")] == [
        "40",
        "10",
        "40",
        "2",
    ]
    assert (line["has_image"], float(line["confidence"])) == ("true", item["confidence"])
    assert datetime.fromisoformat(line["updated_at"]) == datetime.fromisoformat(item["updated_at"])
    assert (line["model"], line["model_version"], line["epoch"]) == ("fusion", "1" * 64, "1")


def test_it_is_a_download_of_utf_8(service: Service, customer: dict[str, str]) -> None:
    service.predict(customer, "lampe à huile 🦊")
    answer = service.http.get("/predictions.csv", headers=customer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="predictions.csv"'
    assert "lampe à huile 🦊".encode() in answer.content
    assert answer.content.endswith(b"\r\n")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x", "'=1", "''", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", [*FORMULAS, "NA", "null", 'a,"b"\r\nc', "‮🦊", "<script>", " =1"], ids=repr)
def test_no_text_is_a_formula_and_all_text_comes_back(service: Service, customer: dict[str, str], text: str) -> None:
    made = service.predict(customer, text, description=text)
    body = {"kind": "disputed", "reason": text}
    assert service.http.post(f"/predictions/{made['id']}/feedback", json=body, headers=customer).status_code == 200
    (line,) = download(service, customer)
    for cell in (line["designation"], line["description"], line["feedback_reason"]):
        assert original(cell) == text
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"))


def test_customers_get_their_own_and_staff_what_they_ask_for(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    mine, theirs = service.predict(customer, "a book"), service.predict(reviewer, "b game")
    assert [line["id"] for line in download(service, customer)] == [mine["id"]]
    assert [line["id"] for line in download(service, reviewer)] == [mine["id"], theirs["id"]]
    assert [line["id"] for line in download(service, reviewer, code=40)] == [theirs["id"]]
    assert download(service, customer, code=40) == []


def test_what_was_erased_is_in_no_file_but_an_admin_s(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer)["id"]
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    service.http.delete(f"/predictions/{made}", headers=customer)
    assert download(service, customer) == download(service, reviewer) == []
    assert [(line["id"], line["designation"]) for line in download(service, admin)] == [(made, "")]


def test_what_is_made_while_it_is_written_is_not_in_it(service: Service, customer: dict[str, str]) -> None:
    owner = service.predict(customer)["owner"]
    add_rows(service, owner, 2 * export._PAGE_ROWS)
    parts = service.app.state.parts
    pieces = export.write(parts.readers, Filter(), parts.taxonomy.current())
    lines = [next(pieces)]
    late = service.predict(customer)["id"]
    lines += list(pieces)
    assert late not in b"".join(lines).decode()
    assert len(b"".join(lines).splitlines()) == 1 + 2 * export._PAGE_ROWS + 1


def test_a_longer_file_takes_no_more_memory(service: Service, customer: dict[str, str]) -> None:
    owner = service.predict(customer)["owner"]
    add_rows(service, owner, 20_000)
    parts = service.app.state.parts
    lines, held = 0, []
    for piece in export.write(parts.readers, Filter(), parts.taxonomy.current()):
        lines += piece.count(b"\r\n")
        held.append(resident_bytes())
    assert lines == 1 + 20_000 + 1
    assert max(held) - held[9] < 8 * 2**20  # the rows after the first 2,000 are 18 MB of text


def resident_bytes() -> int:
    """Memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
