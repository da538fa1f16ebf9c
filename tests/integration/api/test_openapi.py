"""The document that describes the service, and the page that shows it without any other host."""

import re
from typing import Any

import pytest

from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database

PUBLIC = {"/token", "/session", "/users", "/users/reactivate"} | {
    "/livez",
    "/startupz",
    "/readyz",
    "/problems",
    "/problems/{code}",
}


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    return service.http.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, found) for path, item in document["paths"].items() for method, found in item.items()]


def test_every_route_says_who_may_call_it(document: dict[str, Any]) -> None:
    roles = {path: found["x-role"] for path, _, found in operations(document)}
    assert {path for path, role in roles.items() if role == "anyone"} <= PUBLIC
    assert set(roles.values()) == {"anyone", "customer", "reviewer", "admin"}


def test_every_route_declares_its_problems(document: dict[str, Any]) -> None:
    for path, method, found in operations(document):
        failures = {status: answer for status, answer in found["responses"].items() if int(status) >= 400}
        assert {"400", "413", "415", "500", "503"} <= failures.keys(), (method, path)
        assert all(set(answer["content"]) == {"application/problem+json"} for answer in failures.values()), path
        if path not in PUBLIC:
            assert "401" in failures, (method, path)
        takes = {parameter["name"] for parameter in found.get("parameters", [])}
        if found["x-role"] in ("reviewer", "admin"):
            assert "403" in failures, (method, path)
        if takes or "requestBody" in found:
            assert "422" in failures, (method, path)
        if "requestBody" in found:
            assert "408" in failures, (method, path)
        if "{" in path:
            assert "404" in failures, (method, path)
        if "if-match" in takes:
            assert {"409", "412"} <= failures.keys(), (method, path)


def test_a_route_for_customers_or_staff_is_closed_without_a_token(service: Service, document: dict[str, Any]) -> None:
    for path, method, found in operations(document):
        if found["x-role"] != "anyone":
            answer = service.http.request(method, path.replace("{prediction_id}", "x"))
            assert answer.status_code == 401, (method, path)


def test_the_document_is_one_that_the_page_can_show(document: dict[str, Any]) -> None:
    """The bundled Swagger UI knows OpenAPI 3.0: no null types, no constants, files as binary strings."""
    assert document["openapi"] == "3.0.3"
    text = str(document)
    assert "'type': 'null'" not in text
    assert "'const'" not in text
    assert document["components"]["schemas"]["PredictForm"]["properties"]["image"]["format"] == "binary"
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= document["components"]["schemas"].keys()


@pytest.mark.parametrize("part", ["bytes=0-1", "bytes=99999999-", "bytes=x"])
def test_the_page_s_files_are_given_whole(service: Service, part: str) -> None:
    answer = service.http.get("/docs/assets/swagger-ui.css", headers={"Range": part})
    assert (answer.status_code, len(answer.content)) == (200, int(answer.headers["content-length"]))


def test_the_documentation_page_loads_from_this_host_only(service: Service) -> None:
    page = service.http.get("/docs")
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) == 4
    for source in sources:
        assert source.startswith("/")
        assert service.http.get(source).status_code == 200
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
