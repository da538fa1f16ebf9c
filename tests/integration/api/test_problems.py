"""GET /problems: what every code means, from the error classes to the page in the documentation."""

import subprocess
import sys
from pathlib import Path

from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database

PAGE = Path("docs/problems.md")


@same_on_any_database
def test_a_problem_s_type_leads_to_what_it_means(service: Service) -> None:
    met = problem(service.http.get("/predictions"))
    kind = service.http.get(met["type"]).json()
    assert kind == {
        "type": "/problems/account.unauthenticated",
        "title": met["title"],
        "status": 401,
        "code": met["code"],
        "meaning": kind["meaning"],
        "try_again": False,
    }
    assert "Nobody is signed in" in kind["meaning"]


@same_on_any_database
def test_every_kind_is_listed_once_in_the_order_of_codes(service: Service) -> None:
    items = service.http.get("/problems").json()["items"]
    codes = [item["code"] for item in items]
    assert codes == sorted(set(codes))
    assert {"request.malformed", "model.cannot_answer", "review.not_pending", "database.unavailable"} <= set(codes)
    assert all(item["meaning"].endswith(".") and 400 <= item["status"] <= 503 for item in items)
    assert {item["status"] for item in items if item["try_again"]} == {408, 429, 503}


@same_on_any_database
def test_a_code_that_nobody_uses_is_not_found(service: Service) -> None:
    answer = service.http.get("/problems/s3ntinel")
    assert (answer.status_code, problem(answer)["code"]) == (404, "problem.not_found")
    assert "s3ntinel" not in answer.text
    assert service.http.get("/problems/" + "x" * 65).status_code == 422


def test_the_page_says_what_the_classes_say() -> None:
    """A process of its own: the tests' toys have errors too."""
    said = subprocess.run([sys.executable, "-m", "api.problems"], capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text(encoding="utf-8") == said, "run `python -m api.problems > docs/problems.md`"
