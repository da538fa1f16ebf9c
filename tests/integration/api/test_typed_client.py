"""The typed client against the real service: what one writes, the other reads."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from client import Decision, EtalonClient, Feedback, ProblemError
from client.batch import Results, predict_all, products_in
from core.db.models import Prediction
from tests.conftest import ROOT
from tests.integration.api.toys import PASSWORD, Service
from tests.toys.labelled import Labelled, put


class InProcess(httpx.BaseTransport):
    """Carries requests to the application of a running ``Service``."""

    def __init__(self, service: Service) -> None:
        self._http = service.http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = dict(request.headers)
        answer = self._http.request(request.method, str(request.url), content=request.read(), headers=headers)
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


def connect(
    service: Service, username: str | None = None, password: str | None = None, *, api_key: str | None = None
) -> EtalonClient:
    return EtalonClient("http://testserver", username, password, api_key=api_key, transport=InProcess(service))


@pytest.fixture
def sign_in(service: Service) -> Iterator[Callable[[str], EtalonClient]]:
    with ExitStack() as connected:

        def _sign_in(username: str) -> EtalonClient:
            return connected.enter_context(connect(service, username, PASSWORD))

        yield _sign_in


@pytest.fixture
def carla(sign_in: Callable[[str], EtalonClient]) -> EtalonClient:
    return sign_in("carla")


@pytest.fixture
def remy(sign_in: Callable[[str], EtalonClient]) -> EtalonClient:
    return sign_in("remy")


def test_an_answer_is_read_in_full(carla: EtalonClient, photo: bytes) -> None:
    prediction = carla.predict("Piscine gonflable", "bleue & ronde", photo)
    assert prediction.designation == "Piscine gonflable"
    assert prediction.description == "bleue & ronde"
    assert prediction.has_image
    assert prediction.status == "pending"
    assert prediction.prdtypecode == prediction.suggested_code == prediction.top_k[0].prdtypecode
    assert 0.0 <= prediction.confidence <= 1.0
    assert carla.prediction(prediction.id) == prediction
    assert carla.image(prediction.id)[:2] == b"\xff\xd8"


def test_the_same_key_answers_with_the_same_prediction(carla: EtalonClient) -> None:
    first = carla.predict("Piscine", idempotency_key="order-1")
    assert carla.predict("Piscine", idempotency_key="order-1").id == first.id
    assert carla.predict("Piscine").id != first.id


def test_a_reviewer_validates_corrects_modifies_and_rejects(carla: EtalonClient, remy: EtalonClient) -> None:
    right, wrong, modified, rejected = (carla.predict(f"Produit {n}") for n in range(4))
    other = next(c.prdtypecode for c in wrong.top_k if c.prdtypecode != wrong.prdtypecode)
    assert remy.validate(right.id).status == "validated"
    assert remy.validate(wrong.id, prdtypecode=other).prdtypecode == other
    assert remy.modify(modified.id, other).status == "pending"
    assert remy.validate(modified.id).prdtypecode == other
    assert remy.reject(rejected.id, reason="flou").status == "rejected"
    assert [p.id for p in remy.every_prediction(status="rejected")] == [rejected.id]


def test_a_refusal_carries_its_stable_code(carla: EtalonClient, remy: EtalonClient) -> None:
    prediction = carla.predict("Piscine")
    remy.validate(prediction.id)
    with pytest.raises(ProblemError) as raised:
        remy.validate(prediction.id)
    assert raised.value.status == 409
    assert raised.value.code
    assert raised.value.request_id


def test_a_pending_prediction_can_be_deleted(carla: EtalonClient) -> None:
    prediction = carla.predict("Piscine")
    carla.delete(prediction.id)
    with pytest.raises(ProblemError) as raised:
        carla.prediction(prediction.id)
    assert raised.value.status == 404


def test_a_verdict_is_undone_told_and_decided_with_others(carla: EtalonClient, remy: EtalonClient) -> None:
    first, second = (carla.predict(f"Produit {n}") for n in range(2))
    assert remy.validate(first.id, version=1).version == 2
    assert remy.undo(first.id, reason="trop vite").status == "pending"
    told = remy.history(first.id)
    assert [(record.action, record.reason, record.reviewer) for record in told] == [
        ("validate", None, "remy"),
        ("undo", "trop vite", "remy"),
    ]
    done = remy.validate_all([Decision(second.id), Decision(first.id, accept=False, version=3)])
    assert [one.status for one in done] == ["validated", "rejected"]
    with pytest.raises(ProblemError) as raised:
        remy.undo(second.id, version=1)
    assert raised.value.status == 412


def test_a_product_is_leased_and_then_there_is_nothing_left(carla: EtalonClient, remy: EtalonClient) -> None:
    assert remy.next_to_review() is None
    made = carla.predict("Produit")
    lease = remy.next_to_review(order="newest")
    assert lease is not None
    assert lease.prediction.id == made.id
    assert lease.leased_until.tzinfo is not None


def test_an_admin_takes_labels_back(sign_in: Callable[[str], EtalonClient], carla: EtalonClient) -> None:
    remy, ada = sign_in("remy"), sign_in("ada")
    made = [remy.validate(carla.predict(f"Produit {n}").id) for n in range(3)]
    assert ada.retract(made[0].id).status == "retracted"
    now = datetime.now(UTC)
    span = {"since": now - timedelta(days=1), "until": now + timedelta(days=1)}
    assert ada.take_back("remy", **span, dry_run=True).withdrawn == 2
    assert ada.take_back("remy", **span, reason="exercice").by_split == {"none yet": 2}
    assert {carla.prediction(one.id).status for one in made} == {"retracted"}
    with pytest.raises(ProblemError) as raised:
        ada.correct(made[0].id, 40)
    assert raised.value.code == "review.not_ingested"
    assert carla.delete(made[0].id) is True


def test_pages_are_followed_to_the_end(carla: EtalonClient) -> None:
    staged = {carla.predict(f"Produit {n}").id for n in range(7)}
    page = carla.predictions(limit=3, order="uncertain")
    assert len(page.items) == 3
    assert page.next_cursor is not None
    assert {prediction.id for prediction in carla.every_prediction()} == staged


def test_the_champion_and_the_classes_are_read(carla: EtalonClient) -> None:
    assert carla.champion().epoch == 1
    assert carla.classes()


def test_a_sender_says_what_they_think_and_takes_it_back(carla: EtalonClient, remy: EtalonClient) -> None:
    made = carla.predict("Piscine")
    other = made.top_k[1].prdtypecode
    assert carla.give_feedback(made.id, "proposed", prdtypecode=other, reason="c'est un jeu").feedback is not None
    (found,) = remy.predictions(feedback="proposed").items
    assert found.feedback == Feedback("proposed", other, "c'est un jeu")
    carla.withdraw_feedback(made.id)
    assert carla.prediction(made.id).feedback is None


def test_a_list_is_filtered_and_polled(carla: EtalonClient, remy: EtalonClient) -> None:
    book, lamp = carla.predict("a book"), carla.predict("lamp")
    remy.validate(book.id)
    assert [one.id for one in remy.predictions(code=10, status="validated").items] == [book.id]
    assert [one.id for one in carla.every_prediction(min_confidence=0.0, order="oldest")] == [book.id, lamp.id]
    assert carla.prediction(book.id).final_code == 10
    page = remy.predictions(order="updated", updated_since=datetime.now(UTC) - timedelta(hours=1))
    assert {one.id for one in page.items} == {book.id, lamp.id}
    assert page.next_since is not None
    assert datetime.fromisoformat(page.next_since) < datetime.now(UTC)


def test_an_export_arrives_in_chunks(carla: EtalonClient) -> None:
    carla.predict("=cmd")
    with carla.export(status="pending") as chunks:
        written = b"".join(chunks).decode()
    assert "'=cmd" in written
    with pytest.raises(ProblemError) as raised, carla.export(status="no such status"):
        pass
    assert raised.value.status == 422


def test_a_product_is_put_aside_and_the_queue_narrowed(carla: EtalonClient, remy: EtalonClient) -> None:
    book, lamp = carla.predict("a book"), carla.predict("lamp")
    lease = remy.next_to_review(code=10)
    assert lease is not None
    assert lease.prediction.id == book.id
    remy.skip(book.id)
    remaining = remy.next_to_review()
    assert remaining is not None
    assert remaining.prediction.id == lamp.id
    assert remy.progress()["decided_today"] == 0


def test_a_shop_opens_an_account_and_sends_products_by_key(service: Service) -> None:
    shop = connect(service, None, None)
    opened = shop.register("boutique", "un mot de passe assez long")
    assert (opened.role, opened.active) == ("customer", True)
    with pytest.raises(ProblemError) as raised:
        shop.me()
    assert raised.value.status == 401

    shop = connect(service, "boutique", "un mot de passe assez long")
    key = shop.make_key("the shop's server")
    assert [one.hint for one in shop.api_keys()] == [shop.api_keys()[0].hint]
    assert key.secret not in repr(key)
    server = connect(service, api_key=key.secret)
    assert server.predict("Piscine").status == "pending"
    assert server.me().username == "boutique"
    with pytest.raises(ProblemError) as raised:
        server.make_key("another")
    assert raised.value.code == "account.key_not_allowed"
    shop.revoke_key(key.id)
    with pytest.raises(ProblemError):
        server.predict("Piscine")


def test_a_person_keeps_their_account(service: Service) -> None:
    mine = connect(service, "carla", PASSWORD)
    mine.change_password(PASSWORD, "un autre mot de passe")
    assert mine.rename("carlotta").username == "carlotta"
    assert mine.me().username == "carlotta"  # it signs in under the new name, with the new password
    mine.sign_out_everywhere()
    assert mine.me().username == "carlotta"
    mine.deactivate()
    with pytest.raises(ProblemError):
        mine.me()
    mine.reactivate("carlotta", "un autre mot de passe")
    assert mine.me().active
    assert mine.delete_me() is True


def test_an_admin_manages_accounts(sign_in: Callable[[str], EtalonClient], service: Service) -> None:
    ada = sign_in("ada")
    opened = ada.open_account("bob", "un mot de passe assez long", role="reviewer")
    assert ada.change_account(opened.id, active=False).active is False
    page = ada.accounts(text="bob", active=False)
    assert [one.username for one in page.items] == ["bob"]
    assert (page.total, page.active, page.inactive) == (4, 3, 1)
    assert ada.delete_account(opened.id) is True


def test_an_admin_sees_and_moves_releases_and_wishes_for_a_retraining(
    sign_in: Callable[[str], EtalonClient], service: Service, carla: EtalonClient
) -> None:
    ada = sign_in("ada")
    service.promote("2" * 64)
    service.poll()
    assert [(row.epoch, row.kind) for row in ada.releases()] == [(2, "gate"), (1, "gate")]
    with pytest.raises(ProblemError) as raised:
        ada.promote("3" * 64, reason="better", expected_epoch=2)
    assert raised.value.status == 404
    with pytest.raises(ProblemError) as raised:
        ada.rollback(reason="worse", expected_epoch=2)  # the toys are no packages
    assert raised.value.code == "release.package_refused"
    assert ada.models().epoch == 2
    first = ada.retrain(reason="fifty labels were corrected")
    assert ada.retrain(reason="again").id == first.id
    assert ada.retraining().state == "waiting"
    assert (ada.quality(kind="accuracy").newest, ada.quality().alarms) == ((), ())


def test_a_reviewer_sees_what_the_loop_did(carla: EtalonClient, remy: EtalonClient) -> None:
    carla.predict("Piscine gonflable")
    found = remy.trends(days=7)
    assert (len(found.days), found.days[-1]["sent"], found.needs["pending"]) == (7, 1, 1)
    assert {one.stage: (one.waiting, one.state) for one in found.stages}["review"] == (1, "well")


def test_a_reviewer_sees_labelled_products_and_guidelines(
    service: Service, carla: EtalonClient, remy: EtalonClient
) -> None:
    store = service.app.state.parts.settings.store
    put(store, [Labelled("p0", "Un roman", 10, "red")])
    service.app.state.parts.evidence.keeper.refresh()
    found = remy.evidence(carla.predict("a book").id)
    assert (found.items, found.searched, found.rows) == ((), 0, 1)
    example = remy.guide(10).examples[0]
    assert (example.designation, example.label, example.similarity) == ("Un roman", "Books", None)
    assert remy.labelled_image(example.row).startswith(b"\xff\xd8")


def test_a_batch_stages_each_product_once_however_often_it_is_sent(
    service: Service, photo: bytes, tmp_path: Path
) -> None:
    for name in ("a lamp", "board game"):
        (tmp_path / f"{name}.jpg").write_bytes(photo)
        (tmp_path / f"{name}.txt").write_text(name, encoding="utf-8")
    (tmp_path / "broken.jpg").write_bytes(photo[:100])
    (tmp_path / "broken.txt").write_text("broken", encoding="utf-8")
    for attempt in range(2):
        with connect(service, "carla", PASSWORD) as carla, Results(tmp_path / f"out{attempt}.csv") as results:
            tally = predict_all(carla, products_in(tmp_path), results)
        assert (tally.answered, tally.refused) == (2, 1)
    assert (tmp_path / "out0.csv").read_bytes() == (tmp_path / "out1.csv").read_bytes()
    assert len(service.rows(Prediction)) == 2


def test_the_client_knows_every_route(service: Service) -> None:
    """By what it asks for; probes and documents are not for it, and sessions are for browsers."""
    sources = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "client").glob("*.py"))
    asked = {re.sub(r"\{[^}]*\}", "{}", path) for path in re.findall(r'"(/[a-z][\w/{}.-]*)"', sources)}
    decisions = set(re.findall(r'"(/[a-z]+)"', sources))
    asked |= {f"/predictions/{{}}{end}" for end in decisions}
    offered = {re.sub(r"\{[^}]*\}", "{}", path) for path in service.http.get("/openapi.json").json()["paths"]}
    others = ("/livez", "/readyz", "/startupz", "/problems", "/docs", "/session")
    left_out = {path for path in offered if path.startswith(others)}
    assert len(offered - left_out) > 25
    assert offered - left_out - asked == set()


def test_a_reviewer_learns_where_an_answer_came_from(carla: EtalonClient, remy: EtalonClient) -> None:
    made = carla.predict("Piscine")
    told = remy.lineage(made.id)
    assert told["model"]["version"] == made.model.version
    assert told["training_rows"] == []
    with pytest.raises(ProblemError) as raised:
        carla.lineage(made.id)
    assert raised.value.status == 403
