"""POST /admin/retractions and its command: a person's labels are taken back, wherever they are."""

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import failpoints
from core.db.models import Outbox, Prediction, UserAccount, Verdict
from core.retraction import __main__ as command
from core.retraction import erase_customer, reviewer, take_back
from core.settings import DatabaseSettings
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database

JANUARY = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database keeps it
LONG_AGO, LATER = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture
def hasty(service: Service) -> dict[str, str]:
    """A reviewer whose labels are not to be trusted."""
    service.hire("hasty")
    return service.sign_in("hasty")


def order(service: Service, headers: dict[str, str], **more: Any) -> Any:
    body = {"reviewer": "hasty", "since": LONG_AGO, "until": LATER, **more}
    return service.http.post("/admin/retractions", json=body, headers=headers)


def labelled(service: Service, headers: dict[str, str], number: int = 1) -> list[str]:
    """Products of a customer's that somebody accepts."""
    customer = service.sign_in("carla")
    made = [service.predict(customer, f"a book {n}")["id"] for n in range(number)]
    for one in made:
        answer = service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=headers)
        assert answer.status_code == 200
    return made


def statuses(service: Service) -> dict[str, str]:
    return {row.id: row.status for row in service.rows(Prediction)}


def test_labels_are_withdrawn_or_retracted_and_others_stay(
    service: Service, admin: dict[str, str], reviewer: dict[str, str], hasty: dict[str, str]
) -> None:
    stored = labelled(service, hasty, 2)
    kept = labelled(service, reviewer)
    loop.ingest_all(service)
    waiting = labelled(service, hasty, 3)
    answer = order(service, admin, reason="labelled by the colour of the cover")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["withdrawn"], body["retracted"], body["dry_run"]) == (3, 2, False)
    assert body["by_split"] == {"none yet": 3, "train": 2}
    assert statuses(service) == {**dict.fromkeys([*stored, *waiting], "retracted"), kept[0]: "ingested"}
    retractions = [row for row in service.rows(Outbox) if row.kind == "retract"]
    assert {row.prediction_id for row in retractions} == set(stored)
    assert all(row.urgent for row in retractions)
    reasons = {verdict.reason for verdict in service.rows(Verdict) if verdict.action == "retract"}
    assert reasons == {"labelled by the colour of the cover"}


def test_again_it_finds_nothing_left(service: Service, admin: dict[str, str], hasty: dict[str, str]) -> None:
    labelled(service, hasty, 2)
    order(service, admin)
    verdicts = len(service.rows(Verdict))
    assert (order(service, admin).json()["withdrawn"], len(service.rows(Verdict))) == (0, verdicts)


def test_a_dry_run_tells_the_same_numbers_and_changes_nothing(
    service: Service, admin: dict[str, str], hasty: dict[str, str]
) -> None:
    labelled(service, hasty, 2)
    loop.ingest_all(service)
    labelled(service, hasty)
    before = statuses(service)
    tried = order(service, admin, dry_run=True).json()
    assert statuses(service) == before
    done = order(service, admin).json()
    assert {**tried, "dry_run": False} == done


def test_only_labels_of_the_span_and_only_standing_ones_go(
    service: Service, admin: dict[str, str], reviewer: dict[str, str], hasty: dict[str, str]
) -> None:
    early, corrected, undone, late = labelled(service, hasty, 4)
    service.http.post(f"/predictions/{undone}/undo", headers=reviewer)
    with service.app.state.parts.sessions.begin() as session:
        for one, day in ((early, 1), (late, 20)):
            session.query(Verdict).filter_by(prediction_id=one).update(
                {"decided_at": JANUARY + timedelta(days=day - 1)}
            )
    loop.ingest_all(service)
    service.http.post(f"/predictions/{corrected}/correct", json={"prdtypecode": 40}, headers=admin)
    body = order(service, admin, since="2026-01-10T00:00:00Z", until="2026-01-20T00:00:00.000001+00:00").json()
    assert body["retracted"] == 1
    assert statuses(service) == {early: "ingested", corrected: "ingested", undone: "pending", late: "retracted"}
    assert order(service, admin, since="2026-01-20T00:00:00.000001Z").json()["retracted"] == 0
    assert order(service, admin, until="2026-01-20T02:00:00+02:00").json()["retracted"] == 1
    assert statuses(service)[corrected] == "ingested"


def test_models_that_learnt_from_a_label_are_named(
    service: Service, admin: dict[str, str], reviewer: dict[str, str], hasty: dict[str, str]
) -> None:
    labelled(service, reviewer)
    clean = loop.ingest_all(service)
    labelled(service, hasty)
    tainted = loop.ingest_all(service)
    for sha, manifest in (("a" * 64, clean), ("b" * 64, tainted), ("c" * 64, tainted)):
        service.promote(sha, manifest=manifest)
    first = order(service, admin).json()["models"]
    assert [(m["version"][0], m["epoch"], m["manifest"], m["served"]) for m in first] == [
        ("b", 3, tainted, False),
        ("c", 4, tainted, True),
    ]
    service.promote("d" * 64, manifest=loop.ingest_all(service))
    assert [(m["version"][0], m["served"]) for m in order(service, admin).json()["models"]] == [
        ("b", False),
        ("c", False),
    ]


def test_a_companion_that_rode_along_is_named_once(
    service: Service, admin: dict[str, str], hasty: dict[str, str]
) -> None:
    labelled(service, hasty)
    tainted = loop.ingest_all(service)
    service.promote("", manifest=tainted, models={"fusion": "b" * 64, "lexical": "e" * 64})
    service.promote("", manifest=tainted, models={"fusion": "c" * 64, "lexical": "e" * 64})
    found = [(m["name"], m["version"][0], m["served"]) for m in order(service, admin).json()["models"]]
    assert found == [("fusion", "b", False), ("lexical", "e", True), ("fusion", "c", True)]


def test_a_crash_between_chunks_is_continued(
    service: Service, admin: dict[str, str], hasty: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = labelled(service, hasty, 5)
    monkeypatch.setattr(reviewer, "CHUNK", 2)
    monkeypatch.setattr(failpoints, "_reached", Counter())
    monkeypatch.setenv("ETALON_FAILPOINT", "retraction.chunk:1:error")
    assert order(service, admin).status_code == 500
    assert sorted(statuses(service).values()) == ["retracted"] * 2 + ["validated"] * 3
    monkeypatch.delenv("ETALON_FAILPOINT")
    assert order(service, admin).json()["withdrawn"] == 3
    assert statuses(service) == dict.fromkeys(made, "retracted")


def test_taken_back_twice_at_once_while_a_batch_is_claimed_each_label_goes_once(
    service: Service, admin: dict[str, str], hasty: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = labelled(service, hasty, 12)
    monkeypatch.setattr(reviewer, "CHUNK", 3)
    together = threading.Barrier(3)
    answers: list[dict[str, Any]] = []

    def take() -> None:
        together.wait()
        answer = order(service, admin)
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())

    def claim() -> None:
        together.wait()
        loop.claim(service)

    threads = [threading.Thread(target=work) for work in (take, take, claim)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer["withdrawn"] + answer["retracted"] for answer in answers) == 12
    assert statuses(service) == dict.fromkeys(made, "retracted")
    assert len(service.rows(Verdict)) == 24
    for one in made:
        assert loop.work_of(service, one) in (
            [],
            [("append", 2, True, False), ("retract", 3, False, False)],
        )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reviewer": "nobody"}, 404, "account.not_found"),
        ({"since": LATER}, 422, "retraction.bad_span"),
        ({"since": "2026-01-01T00:00:00"}, 422, "request.invalid"),
        ({"since": 5}, 422, "request.invalid"),
        ({"reviewer": "x" * 65}, 422, "request.invalid"),
        ({"all": True}, 422, "request.invalid"),
    ],
    ids=str,
)
def test_an_order_that_breaks_a_rule_is_refused(
    service: Service, admin: dict[str, str], hasty: dict[str, str], body: dict[str, Any], status: int, code: str
) -> None:
    answer = order(service, admin, **body)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_only_admins_may(service: Service, customer: dict[str, str], hasty: dict[str, str]) -> None:
    labelled(service, hasty)
    assert [order(service, headers).status_code for headers in (customer, hasty, {})] == [403, 403, 401]
    assert set(statuses(service).values()) == {"validated"}


def test_the_command_does_the_same_in_the_operator_s_name(
    service: Service,
    hasty: dict[str, str],
    database: DatabaseSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labelled(service, hasty, 2)
    monkeypatch.setenv("DB_URL", database.url.get_secret_value())
    asked = ["--reviewer", "hasty", "--since", "2020-01-01", "--until", "2100-01-01", "--reason", "drill"]
    assert command.main([*asked, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["withdrawn"] == 2
    assert {row.username for row in service.rows(UserAccount)} >= {"hasty"}
    assert "(operator)" not in {row.username for row in service.rows(UserAccount)}
    assert command.main(asked) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["withdrawn"] == 2
    operator = next(row for row in service.rows(UserAccount) if row.username == "(operator)")
    assert not operator.active
    assert {v.reviewer_id for v in service.rows(Verdict) if v.action == "retract"} == {operator.id}
    assert command.main(["--reviewer", "nobody", *asked[2:]]) == 1
    assert "nobody" in capsys.readouterr().err


def test_everything_a_customer_sent_is_erased(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    stored, waiting, _ = (service.predict(customer, f"a book {n}")["id"] for n in range(3))
    theirs = service.predict(reviewer, "a lamp")["id"]
    service.http.post(f"/predictions/{stored}/validate", json={"accept": True}, headers=reviewer)
    loop.ingest_all(service)
    service.http.post(f"/predictions/{waiting}/validate", json={"accept": True}, headers=reviewer)
    accounts = {row.username: row.id for row in service.rows(UserAccount)}
    sessions = service.app.state.parts.sessions
    asked = {"owner_id": accounts["carla"], "actor_id": accounts["ada"], "reason": "asked for by letter"}
    assert erase_customer(sessions, **asked) == 3
    assert erase_customer(sessions, **asked) == 0
    assert statuses(service) == {stored: "retracted", waiting: "retracted", theirs: "pending"}
    loop.ingest_all(service)
    assert {row.designation for row in service.rows(Prediction)} == {"", "a lamp"}


def test_the_command_erases_everything_of_a_customer(
    service: Service,
    customer: dict[str, str],
    database: DatabaseSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for n in range(2):
        service.predict(customer, f"a book {n}")
    monkeypatch.setenv("DB_URL", database.url.get_secret_value())
    assert command.main(["--customer", "carla", "--reason", "asked for by letter"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"customer": "carla", "erased": 2}
    assert service.rows(Prediction) == []
    assert command.main(["--customer", "nobody"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--reviewer hasty",
        "--customer carla --dry-run",
        "--customer carla --reviewer hasty",
        "--reviewer hasty --since soon",
    ],
)
@same_on_any_database
def test_a_command_that_says_too_little_or_too_much_is_refused(database_kind: str, words: str) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(words.split())
    assert refused.value.code == 2


def test_a_span_without_a_zone_is_utc(service: Service, hasty: dict[str, str]) -> None:
    (made,) = labelled(service, hasty)
    decided = service.rows(Verdict)[0].decided_at
    sessions = service.app.state.parts.sessions
    actor = service.rows(UserAccount)[0].id
    for since, until, found in (
        (decided + timedelta(microseconds=1), decided + timedelta(hours=1), 0),
        (decided - timedelta(hours=1), decided, 0),
        (decided, decided + timedelta(microseconds=1), 1),
    ):
        taken = take_back(sessions, reviewer="hasty", since=since, until=until, actor=actor, reason=None)
        assert taken.withdrawn == found
    assert statuses(service) == {made: "retracted"}
