"""The client as a command: verbs, credentials from the environment, answers as JSON."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.__main__ import main
from tests.unit.client.miniature import PREDICTION, Service, problem


def test_the_command_prints_the_answer_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETALON_USER", "ann")
    monkeypatch.setenv("ETALON_PASSWORD", "right")
    assert main(["predict", "Piscine gonflable"], transport=Service()) == 0
    assert json.loads(capsys.readouterr().out) == PREDICTION


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETALON_USER", "ann")
    monkeypatch.setenv("ETALON_PASSWORD", "right")
    monkeypatch.setenv("ETALON_NEW_PASSWORD", "right as well")
    monkeypatch.delenv("ETALON_API_KEY", raising=False)


RELEASE = {"epoch": 4, "kind": "manual", "models": {"fusion": "ab" * 32}, "reason": "better"}
REPORT = {"name": "monthly-2026-10", "month": "2026-10", "made_at": "2026-11-01T02:05:00Z", "size": 9}
ACCOUNT = {"id": "u-1", "username": "ann", "role": "customer", "active": True}


@pytest.mark.parametrize(
    ("words", "request_line", "answer"),
    [
        ("validate 0198 --code 40 --version 3", "POST /predictions/0198/validate", PREDICTION),
        ("reject 0198 --reason blurred", "POST /predictions/0198/validate", PREDICTION),
        ("modify 0198 --code 40", "PATCH /predictions/0198", PREDICTION),
        ("undo 0198", "POST /predictions/0198/undo", PREDICTION),
        ("correct 0198 --code 40", "POST /predictions/0198/correct", PREDICTION),
        ("keep 0198", "POST /predictions/0198/keep", PREDICTION),
        ("retract 0198", "POST /predictions/0198/retract", PREDICTION),
        ("delete 0198", "DELETE /predictions/0198", PREDICTION),
        ("show 0198", "GET /predictions/0198", PREDICTION),
        ("hold 0198", "POST /predictions/0198/lease", {**PREDICTION, "leased_until": "2026-11-22T08:00:00Z"}),
        ("release 0198 0199", "POST /review/release", {}),
        ("undo-all 0198", "POST /predictions/undo", {"items": [PREDICTION]}),
        ("skip 0198", "POST /predictions/0198/skip", {}),
        ("progress", "GET /review/progress", {"waiting": 3}),
        ("feedback 0198 proposed --code 40", "POST /predictions/0198/feedback", PREDICTION),
        ("feedback 0198 withdraw", "DELETE /predictions/0198/feedback", {}),
        ("lineage 0198", "GET /predictions/0198/lineage", {"rows": []}),
        ("evidence 0198", "GET /predictions/0198/evidence", {"items": [], "searched": 0, "rows": None}),
        ("guide 10", "GET /classes/10/guide", {"prdtypecode": 10, "label": "Books", "guideline": None, "examples": []}),
        ("queue --max-confidence 0.5", "GET /predictions", {"items": [PREDICTION], "next_cursor": None}),
        ("predictions --feedback disputed", "GET /predictions", {"items": [PREDICTION], "next_cursor": None}),
        ("models", "GET /models", {"epoch": 4, "default": "fusion", "models": []}),
        ("model abab", "GET /models/abab", {"version": "abab"}),
        ("evaluation abab", "GET /models/abab/evaluation", {"manifest": 4, "rows": 66}),
        ("candidates", "GET /models/candidates", {"items": []}),
        ("releases", "GET /models/releases", {"items": [RELEASE], "next": None}),
        ("promote abab --reason better --expected-epoch 3", "POST /models/abab/promote", RELEASE),
        ("rollback --reason worse --expected-epoch 4", "POST /models/rollback", RELEASE),
        ("retrain --reason corrected", "POST /retrain", {"id": "1", "state": "waiting", "reason": "corrected"}),
        ("quality --kind text", "GET /quality", {"newest": [], "episodes": [], "items": [], "next": None}),
        ("trends --days 7", "GET /trends", {"at": "", "days": [], "stages": [], "needs": {}}),
        ("retraining", "GET /retrain", {"id": "1", "state": "taken", "reason": "corrected"}),
        ("reports list", "GET /reports", {"items": [REPORT]}),
        ("me", "GET /users/me", ACCOUNT),
        ("rename anna", "PATCH /users/me", ACCOUNT),
        ("register", "POST /users", ACCOUNT),
        ("reactivate", "POST /users/reactivate", {}),
        ("password", "POST /users/me/password", {}),
        ("sign-out", "DELETE /users/me/sessions", {}),
        ("deactivate", "POST /users/me/deactivate", {}),
        ("delete-me --sure", "DELETE /users/me", {}),
        ("keys", "GET /users/me/keys", {"items": [{"id": "k-1", "name": "shop", "hint": "etalon_abc"}]}),
        ("revoke-key k-1", "DELETE /users/me/keys/k-1", {}),
        (
            "accounts --no-active",
            "GET /admin/users",
            {"items": [ACCOUNT], "next_cursor": None, "total": 1, "active": 1, "inactive": 0},
        ),
        ("open-account bob --role reviewer", "POST /admin/users", ACCOUNT),
        ("change-account u-1 --role admin", "PATCH /admin/users/u-1", ACCOUNT),
        ("delete-account u-1", "DELETE /admin/users/u-1", {}),
    ],
)
@pytest.mark.usefixtures("ann")
def test_every_route_is_a_verb_of_the_command(
    capsys: pytest.CaptureFixture[str], words: str, request_line: str, answer: Any
) -> None:
    service = Service(body=answer)
    assert main(words.split(), transport=service) == 0
    (request,) = service.requests
    assert f"{request.method} {request.url.path}" == request_line
    assert json.loads(capsys.readouterr().out) is not None


@pytest.mark.usefixtures("ann")
def test_only_open_routes_are_asked_without_signing_in() -> None:
    service = Service(body=ACCOUNT)
    assert main(["register"], transport=service) == 0
    assert service.tokens == 0
    assert json.loads(service.requests[0].content) == {"username": "ann", "password": "right"}


@pytest.mark.usefixtures("ann")
def test_a_list_is_narrowed_by_what_was_asked_for_and_nothing_else() -> None:
    service = Service(body={"items": [], "next_cursor": None})
    words = "queue --code 40 --min-confidence 0.2 --no-second-opinion --created-since 2026-11-01T00:00:00+00:00"
    assert main(words.split(), transport=service) == 0
    assert dict(service.requests[0].url.params) == {
        "status": "pending",
        "code": "40",
        "min_confidence": "0.2",
        "second_opinion": "false",
        "created_since": "2026-11-01T00:00:00+00:00",
        "order": "uncertain",
        "limit": "20",
    }


def test_a_key_signs_and_needs_no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ETALON_USER", raising=False)
    (tmp_path / "key").write_text("etalon_secret\n")
    monkeypatch.setenv("ETALON_API_KEY_FILE", str(tmp_path / "key"))
    service = Service()
    service.valid = "etalon_secret"
    assert main(["show", "0198"], transport=service) == 0
    assert service.tokens == 0


@pytest.mark.usefixtures("ann")
def test_a_new_key_goes_into_a_file_of_its_owners_and_onto_no_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service, path = Service(body={"id": "k-1", "name": "shop", "key": "etalon_secret"}), tmp_path / "key"
    assert main(["make-key", "shop", str(path)], transport=service) == 0
    assert path.read_text() == "etalon_secret\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "etalon_secret" not in capsys.readouterr().out
    assert main(["make-key", "shop", str(path)], transport=service) == 1
    assert len(service.requests) == 1


@pytest.mark.usefixtures("ann")
def test_a_key_that_could_not_be_made_leaves_no_file(tmp_path: Path) -> None:
    assert main(["make-key", "shop", str(tmp_path / "key")], transport=Service(problem(403, "account.x"))) == 1
    assert not (tmp_path / "key").exists()


@pytest.mark.usefixtures("ann")
def test_an_export_and_a_photo_become_files(tmp_path: Path) -> None:
    answers = [httpx.Response(200, content=b"id,designation\n"), httpx.Response(200, content=b"photo")]
    service = Service(*answers)
    assert main(["export", str(tmp_path / "all.csv"), "--status", "validated"], transport=service) == 0
    assert main(["image", "0198", str(tmp_path / "photo.jpg")], transport=service) == 0
    assert (tmp_path / "all.csv").read_bytes() == b"id,designation\n"
    assert (tmp_path / "photo.jpg").read_bytes() == b"photo"
    assert [str(request.url.path) for request in service.requests] == ["/predictions.csv", "/predictions/0198/image"]
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.usefixtures("ann")
def test_a_csv_of_products_is_predicted_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.csv").write_text("id,designation\na,Lot\nb,Lampe\n", encoding="utf-8")
    words = ["predict", "--from", str(tmp_path / "p.csv"), "--to", str(tmp_path / "out.csv")]
    assert main(words, transport=Service()) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["answered"] == 2
    assert "2 of 2 products" in said.err
    service = Service()
    assert main(words, transport=service) == 0
    assert service.requests == []


def test_the_command_says_which_credential_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ETALON_USER", "ETALON_PASSWORD", "ETALON_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["champion"], transport=Service()) == 1
    assert "ETALON_USER" in capsys.readouterr().err


@pytest.mark.usefixtures("ann")
def test_a_report_is_fetched_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(httpx.Response(200, content="<p>été".encode()))
    assert main(["reports", "fetch", "monthly-2026-10", str(tmp_path / "october.html")], transport=service) == 0
    assert service.requests[0].url.path == "/reports/monthly-2026-10"
    assert (tmp_path / "october.html").read_text(encoding="utf-8") == "<p>été"
    assert json.loads(capsys.readouterr().out)["bytes"] == len("<p>été".encode())
