"""The client as a command: verbs, credentials from the environment, answers as JSON."""

import json

import pytest

from client.__main__ import main
from tests.unit.client.miniature import PREDICTION, Service


def test_the_command_prints_the_answer_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETALON_USER", "ann")
    monkeypatch.setenv("ETALON_PASSWORD", "right")
    assert main(["predict", "Piscine gonflable"], transport=Service()) == 0
    assert json.loads(capsys.readouterr().out) == PREDICTION


@pytest.mark.parametrize(
    ("words", "request_line"),
    [
        ("validate 0198 --code 40 --version 3", "POST /predictions/0198/validate"),
        ("reject 0198 --reason blurred", "POST /predictions/0198/validate"),
        ("modify 0198 --code 40", "PATCH /predictions/0198"),
        ("undo 0198", "POST /predictions/0198/undo"),
        ("correct 0198 --code 40", "POST /predictions/0198/correct"),
        ("retract 0198", "POST /predictions/0198/retract"),
        ("delete 0198", "DELETE /predictions/0198"),
    ],
)
def test_every_decision_is_a_verb_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, request_line: str
) -> None:
    monkeypatch.setenv("ETALON_USER", "ann")
    monkeypatch.setenv("ETALON_PASSWORD", "right")
    service = Service()
    assert main(words.split(), transport=service) == 0
    (request,) = service.requests
    assert f"{request.method} {request.url.path}" == request_line
    assert json.loads(capsys.readouterr().out)["id"] == "0198"


def test_the_command_says_which_credential_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ETALON_USER", "ETALON_PASSWORD", "ETALON_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["champion"], transport=Service()) == 1
    assert "ETALON_USER" in capsys.readouterr().err
