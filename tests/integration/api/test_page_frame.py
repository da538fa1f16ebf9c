"""What every page has in common: who gets it, in which language, and what its answer says to the browser."""

import pytest

from api.web.page import POLICY
from tests.integration.api.toys import PASSWORD, Service
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PART = {"Accept": "text/html", "HX-Request": "true"}


def _sign_in(service: Service, username: str) -> None:
    answer = service.http.post("/session", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text


def test_a_browser_gets_a_page_where_a_program_gets_json(service: Service) -> None:
    _sign_in(service, "remy")
    page = service.http.get("/models", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "Accept" in page.headers["vary"]
    assert service.http.get("/models").headers["content-type"] == "application/json"


def test_nobody_signed_in_is_sent_to_sign_in_and_back(service: Service) -> None:
    answer = service.http.get("/review?order=newest", headers=BROWSER, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Freview%3Forder%3Dnewest")


def test_a_part_of_a_page_is_refused_as_json_is(service: Service) -> None:
    answer = service.http.get("/review", headers=PART, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "account.unauthenticated")


def test_a_page_for_another_role_says_so_and_names_who_asks(service: Service) -> None:
    _sign_in(service, "carla")
    answer = service.http.get("/review", headers=BROWSER)
    assert answer.status_code == 403
    assert "Not for this account" in answer.text
    assert "carla" in answer.text


def test_an_address_that_nobody_has_is_a_page_for_people_and_a_problem_for_programs(service: Service) -> None:
    for_people = service.http.get("/nowhere/at/all", headers=BROWSER)
    assert (for_people.status_code, "There is no such page" in for_people.text) == (404, True)
    for_programs = service.http.get("/nowhere/at/all")
    assert (for_programs.status_code, for_programs.json()["code"]) == (404, "request.not_found")
    assert service.http.post("/nowhere/at/all", headers=BROWSER).status_code == 404


def test_pages_load_nothing_from_elsewhere_and_run_nothing_within_them(service: Service) -> None:
    answer = service.http.get("/sign-in", headers=BROWSER)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert answer.headers["cache-control"] == "no-store"


def test_the_language_is_what_was_chosen_before_what_the_browser_prefers(service: Service) -> None:
    english = service.http.get("/sign-in", headers={**BROWSER, "Accept-Language": "de, en-GB;q=0.8"})
    assert '<html lang="en">' in english.text
    french = service.http.get("/sign-in", headers={**BROWSER, "Accept-Language": "fr-CA, en;q=0.5"})
    assert '<html lang="fr">' in french.text
    chosen = service.http.get("/sign-in?lang=fr", headers={**BROWSER, "Accept-Language": "en"})
    assert '<html lang="fr">' in chosen.text
    assert 'lang="fr"' in service.http.get("/sign-in", headers={**BROWSER, "Accept-Language": "en"}).text


@pytest.mark.parametrize("path", ["//evil.example/", "/%2F%2Fevil.example", "/\\evil.example", "/%0d%0aX-Evil:1"])
def test_choosing_a_language_never_leads_to_another_host(service: Service, path: str) -> None:
    answer = service.http.get(f"http://testserver{path}?lang=fr", headers=BROWSER, follow_redirects=False)
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "x-evil" not in answer.headers


def test_our_files_are_asked_about_again_and_not_sent_again(service: Service) -> None:
    first = service.http.get("/static/app.css")
    assert first.headers["cache-control"] == "no-cache"
    again = service.http.get("/static/app.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/../page.py", "/static/%2e%2e/page.py", "/static/..%2fpage.py", "/static/"])
def test_only_the_files_of_the_pages_are_given(service: Service, path: str) -> None:
    assert service.http.get(f"http://testserver{path}").status_code == 404
