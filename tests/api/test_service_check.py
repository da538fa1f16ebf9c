"""The service check against a real process: green where all is well, and each planted defect by its name."""

import json
import re
import signal
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.check import Canary, Checkup, Outcome
from core.db.models import ArchiveParcel, Outbox, Prediction, Verdict
from core.domain.taxonomy import Taxonomy
from preprocessing.archive.delivery import Delivery
from preprocessing.archive.folder import FolderArchive
from preprocessing.images import ImageFolder
from tests.api.people import PASSWORD, Caller
from tests.api.service import Etalon, free_port
from tests.conftest import ROOT

Send = Callable[[], httpx.Response]
Change = Callable[[httpx.Request, Send], httpx.Response]


@dataclass
class Defect(httpx.BaseTransport):
    """A network that carries requests to the service, where ``change`` lets it, and answers what that makes of it."""

    change: Change
    network: httpx.HTTPTransport = field(default_factory=httpx.HTTPTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        def send() -> httpx.Response:
            answer = self.network.handle_request(request)
            answer.read()
            answer.close()
            return answer

        return self.change(request, send)

    def close(self) -> None:
        self.network.close()


@pytest.fixture(scope="module")
def canaries(etalon: Etalon) -> tuple[Caller, Caller]:
    return etalon.hire("customer"), etalon.hire("reviewer")


@pytest.fixture
def check(etalon: Etalon, canaries: tuple[Caller, Caller]) -> Callable[[Change], Outcome]:
    """Runs the check with a defect planted between it and the service."""

    def run(change: Change) -> Outcome:
        customer, reviewer = (Canary(one.username, PASSWORD, one.role) for one in canaries)
        return Checkup(etalon.url, (customer, reviewer), transport=Defect(change)).run(lambda line: None)

    return run


def command(
    etalon: Etalon, canaries: tuple[Caller, Caller], folder: Path, *words: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """``python -m client check``, with its passwords in a file."""
    file = folder / "canary.password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    environment = {
        "LOOP_CHECK_URL": f"{etalon.url}, https://elsewhere.example.org",
        "LOOP_CHECK_CUSTOMER": canaries[0].username,
        "LOOP_CHECK_REVIEWER": canaries[1].username,
        "LOOP_CHECK_CUSTOMER_PASSWORD_FILE": str(file),
        "LOOP_CHECK_REVIEWER_PASSWORD_FILE": str(file),
    }
    return subprocess.run(
        [sys.executable, "-m", "client", "check", *words],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
    )


def what_is_there(etalon: Etalon) -> list[str]:
    """Products, verdicts, work for the loop and parcels: what a check may not leave behind."""
    return sorted(str(row.id) for table in (Prediction, Verdict, Outbox, ArchiveParcel) for row in etalon.rows(table))


def test_a_healthy_service_passes_every_step_and_nothing_remains(
    etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path
) -> None:
    before = what_is_there(etalon)
    done = command(etalon, canaries, tmp_path, "--junit", str(tmp_path / "check.xml"))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["ok"] * 17
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["ok"], result["url"], result["steps"]) == (True, etalon.url, 17)
    assert what_is_there(etalon) == before
    suite = ET.parse(tmp_path / "check.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("17", "0", "0")


def test_a_wrong_password_is_named_and_not_told(
    etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another horse battery", encoding="utf-8")
    junit = tmp_path / "check.xml"
    done = command(etalon, canaries, tmp_path, "--junit", str(junit), LOOP_CHECK_CUSTOMER_PASSWORD_FILE=str(wrong))
    assert done.returncode == 1
    assert "FAILED the customer signs in: refused: 401" in done.stderr
    assert list(json.loads(done.stdout)["failed"]) == ["the customer signs in"]
    assert "another horse" not in done.stdout + done.stderr
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("17", "1", "15")


def test_a_password_that_is_not_set_is_asked_for(
    etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path
) -> None:
    done = command(etalon, canaries, tmp_path, LOOP_CHECK_REVIEWER_PASSWORD_FILE="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "set LOOP_CHECK_REVIEWER_PASSWORD or LOOP_CHECK_REVIEWER_PASSWORD_FILE\n"


def test_a_reviewer_who_is_none_is_named(etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path) -> None:
    done = command(etalon, (canaries[0], canaries[0]), tmp_path)
    assert f"the reviewer signs in: {canaries[0].username} is a customer, not a reviewer" in done.stderr


def test_a_service_that_is_down_is_named(etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path) -> None:
    done = command(etalon, canaries, tmp_path, "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "FAILED the service is ready: the service does not answer: ConnectError" in done.stderr


def refuse(method: str, path: str, status: int = 500) -> Change:
    """The service refuses a request that it should answer."""

    def change(request: httpx.Request, send: Send) -> httpx.Response:
        if asks(request, method, path):
            return httpx.Response(status, json={"code": "planted.defect", "title": "Planted", "status": status})
        return send()

    return change


def rewrite(method: str, path: str, **fields: Any) -> Change:
    """The service answers something else; a field may be made from the right answer."""

    def change(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send()
        if not (asks(request, method, path) and answer.is_success):
            return answer
        right = answer.json()
        wrong = {name: value(right) if callable(value) else value for name, value in fields.items()}
        return httpx.Response(answer.status_code, json=right | wrong)

    return change


def instead_of(status: int, **answer: Any) -> Change:
    """The service answers where it should refuse with ``status``."""

    def change(request: httpx.Request, send: Send) -> httpx.Response:
        right = send()
        return httpx.Response(**answer) if right.status_code == status else right

    return change


def lose_the_key(request: httpx.Request, send: Send) -> httpx.Response:
    """No two requests are the same to the service."""
    if "idempotency-key" in request.headers:
        request.headers["idempotency-key"] = str(uuid.uuid4())
    return send()


def asks(request: httpx.Request, method: str, path: str) -> bool:
    return request.method == method and re.fullmatch(path.replace("ID", "[0-9a-f-]{36}"), request.url.path) is not None


DEFECTS: dict[str, tuple[Change, str, str]] = {
    "not ready": (refuse("GET", "/readyz"), "the service is ready", "refused: 500 planted.defect"),
    "a model that refuses": (
        refuse("POST", "/predict"),
        "the customer's product is given a category",
        "refused: 500 planted.defect",
    ),
    "a photo that does not count": (
        rewrite("POST", "/predict", modality="text-only", has_image=False),
        "the customer's product is given a category",
        "the photo did not count: text-only",
    ),
    "a key that does not bind": (
        lose_the_key,
        "the customer's product is given a category",
        "the same request, sent twice, made two products",
    ),
    "another answer when read": (
        rewrite("GET", "/predictions/ID", confidence=0.125),
        "the customer reads it back",
        "and is 0.125",
    ),
    "a list without it": (rewrite("GET", "/predictions", items=[]), "the customer finds it in the list", "newest 0"),
    "a photo that is none": (
        lambda request, send: (
            httpx.Response(200, content=b"<html>") if asks(request, "GET", "/predictions/ID/image") else send()
        ),
        "the customer sees its photo",
        "what came back is no photo: it begins with b'<html>'",
    ),
    "a queue that is open to customers": (
        instead_of(403, status_code=204),
        "the customer may not review",
        "let in, not refused with 403",
    ),
    "a door that is open to strangers": (
        instead_of(401, status_code=200, json={"items": [], "next_cursor": None}),
        "a bad token is refused",
        "let in, not refused with 401",
    ),
    "codes that are not checked": (
        rewrite("GET", "/classes", classes=[{"prdtypecode": 39}]),  # the next one, 40, is known after all
        "the reviewer may not invent a code",
        "let in, not refused with 422",
    ),
    "a verdict that changes the suggestion": (
        rewrite("PATCH", "/predictions/ID", suggested_code=lambda right: right["prdtypecode"]),
        "the reviewer modifies it",
        "the suggestion changed with the verdict",
    ),
    "rejections that are refused": (
        refuse("POST", "/predictions/ID/validate", 409),
        "the reviewer rejects it",
        "refused: 409 planted.defect",
    ),
    "an undo that does nothing": (
        rewrite("POST", "/predictions/ID/undo", status="rejected"),
        "the reviewer undoes that",
        "the product is rejected, not pending",
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_named_and_nothing_remains(
    etalon: Etalon, check: Callable[[Change], Outcome], name: str
) -> None:
    change, step, why = DEFECTS[name]
    before = what_is_there(etalon)
    outcome = check(change)
    (failure,) = outcome.failures
    assert failure.step == step
    assert why in failure.failure
    assert what_is_there(etalon) == before


def test_products_that_cannot_be_erased_are_named(etalon: Etalon, check: Callable[[Change], Outcome]) -> None:
    before = what_is_there(etalon)
    outcome = check(refuse("DELETE", "/predictions/ID", 403))
    (failure,) = outcome.failures
    assert failure.step == "nothing remains"
    kept = [one for one in what_is_there(etalon) if one not in before]
    assert [f"{one}: refused: 403 planted.defect" in failure.failure for one in kept if "-" in one] == [True, True]


def test_a_check_that_is_stopped_erases_what_it_sent(etalon: Etalon, check: Callable[[Change], Outcome]) -> None:
    def stop(request: httpx.Request, send: Send) -> httpx.Response:
        if asks(request, "PATCH", "/predictions/ID"):
            raise SystemExit(128 + signal.SIGTERM)  # as the command does on SIGTERM
        return send()

    before = what_is_there(etalon)
    with pytest.raises(SystemExit):
        check(stop)
    assert what_is_there(etalon) == before


def test_no_step_is_begun_when_the_time_is_over(
    etalon: Etalon, canaries: tuple[Caller, Caller], tmp_path: Path
) -> None:
    done = command(etalon, canaries, tmp_path, "--timeout", "0")
    assert done.stderr.startswith("FAILED the service is ready: the time for the whole check was over")


def test_what_a_check_that_was_cut_off_left_is_erased_by_the_next(
    etalon: Etalon, canaries: tuple[Caller, Caller], check: Callable[[Change], Outcome]
) -> None:
    left = [etalon.predict(canaries[0]), etalon.predict(canaries[1])]
    fresh = etalon.predict(canaries[0])  # of a check that still runs, maybe
    with etalon.sessions.begin() as session:
        for an_id in left:
            session.get_one(Prediction, an_id).created_at = datetime.now(UTC) - timedelta(hours=1)
    outcome = check(lambda request, send: send())
    assert outcome.failures == []
    there = what_is_there(etalon)
    assert fresh in there
    assert not set(left) & set(there)


def test_an_archive_that_was_faster_gives_the_product_back(etalon: Etalon, check: Callable[[Change], Outcome]) -> None:
    archive = FolderArchive(etalon.store.archive)
    taxonomy = Taxonomy.from_csv(etalon.store.root / "taxonomy.csv")
    images = ImageFolder(etalon.store.images)
    delivery = Delivery(etalon.sessions, images, taxonomy, {archive.place: archive}, archive.place)

    def archive_at_once(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send()
        if asks(request, "POST", "/predictions/ID/validate"):
            assert delivery.run().archived == 1
        return answer

    outcome = check(archive_at_once)
    assert outcome.failures == []
    assert "too late: the archive has it" in outcome.findings[-2].found
    assert delivery.run().removed == 1
    assert [path for path in etalon.store.archive.rglob("*") if path.is_file()] == []
