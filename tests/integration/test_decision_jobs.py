"""The verbs around a person's decision, on a real ledger: what is asked, who asks, and what is kept of the answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.db.models import Audit, Base, Promotion
from core.db.repositories import audit, promotions
from core.db.session import make_engine
from core.settings import (
    DatabaseSettings,
    GateSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from tests.conftest import ROOT
from training.jobs import release
from training.jobs.decisions import BadAnswer, NotAsked, record_outcome, show_evidence
from training.jobs.release import Approval, NotJudged
from training.jobs.workplace import Workplace

A, B = "a" * 64, "b" * 64
WHY = {"who": "Ada", "why": "toys fall"}
ASKED = {"package": B, "run_key": "two", "asked_by": "deploy-1"}


@pytest.fixture(scope="module")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One tracking store for all tests here: nothing is registered in it."""
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


@pytest.fixture
def workplace(tmp_path: Path, tracking_uri: str) -> Iterator[Workplace]:
    """A ledger at epoch 1, and in run ``two`` a challenger that the gate called grey."""
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db")
    engine = make_engine(database)
    Base.metadata.create_all(engine)
    engine.dispose()
    store = StoreSettings(root=tmp_path / "var")
    store.root.mkdir()
    (store.root / "taxonomy.csv").write_bytes((ROOT / "data" / "taxonomy.csv").read_bytes())
    workplace = Workplace(
        store=store,
        model=ModelSettings(),
        train=TrainSettings(tracking_uri=tracking_uri),
        gate=GateSettings(),
        database=database,
        serving=ServingSettings(),
    )
    judged(workplace, "one", A, "first", epoch=0)
    release.promote(workplace, package=A, run_key="one")
    judged(workplace, "two", B, "grey", epoch=1)
    yield workplace
    workplace.close()


def judged(workplace: Workplace, run_key: str, package: str, decision: str, *, epoch: int) -> None:
    facts = {"package": package, "decision": decision, "epoch": epoch, "run_id": f"run-{package[:4]}", "manifest": 1}
    facts |= {"taxonomy_version": "t", "rows": 40, "reasons": ["FAILED likely better: P(improves) 0.61, asked 0.80"]}
    workplace.runs.result(run_key, "judge").write({**facts, "gate": {"outcome": decision}})


def served(workplace: Workplace) -> Promotion:
    with workplace.sessions() as session:
        return promotions.current(session)


def declined(workplace: Workplace) -> list[tuple[str, dict[str, Any]]]:
    with workplace.sessions() as session:
        rows: list[Audit] = list(audit.of_subject(session, f"package/{B}"[:64]))
    return [(row.actor, row.detail) for row in rows if row.action == "decline"]


def approve(workplace: Workplace) -> dict[str, Any]:
    return release.promote(workplace, package=B, run_key="two", approval=Approval("Ada", "better"), unless_moved=True)


def test_the_evidence_of_a_grey_package_says_why_and_where_the_page_is(workplace: Workplace) -> None:
    workplace.train = TrainSettings(tracking_uri="http://mlflow:5000/")
    found = show_evidence(workplace, **ASKED)
    assert (found["epoch"], found["decision"]) == (1, "grey")
    assert "P(improves) 0.61, asked 0.80" in found["body"]
    assert found["run_url"] == "http://mlflow:5000/#/runs/run-bbbb"


def test_evidence_names_no_page_where_no_server_shows_one(workplace: Workplace) -> None:
    assert show_evidence(workplace, **ASKED)["run_url"] is None


@pytest.mark.parametrize("decision", ["refuse", "companion"])
def test_nobody_is_asked_about_what_the_gate_did_not_leave_to_a_person(workplace: Workplace, decision: str) -> None:
    judged(workplace, "two", B, decision, epoch=1)
    assert show_evidence(workplace, **ASKED)["epoch"] is None


def test_evidence_needs_a_judgement(workplace: Workplace) -> None:
    with pytest.raises(NotJudged):
        show_evidence(workplace, package=B, run_key="one", asked_by=None)


def test_one_run_at_a_time_asks_about_a_package(workplace: Workplace) -> None:
    show_evidence(workplace, **ASKED)
    assert show_evidence(workplace, **ASKED)["epoch"] == 1  # a second try of the same run
    other = show_evidence(workplace, package=B, run_key="two", asked_by="deploy-2")
    assert (other["epoch"], other["why"]) == (None, "deploy-1 asks about it already")
    record_outcome(workplace, **ASKED, answer="Reject", **WHY)
    assert show_evidence(workplace, package=B, run_key="two", asked_by="deploy-2")["epoch"] == 1


def test_looking_at_the_evidence_asks_nothing(workplace: Workplace) -> None:
    show_evidence(workplace, package=B, run_key="two", asked_by=None)
    assert workplace.runs.decision(B).read() is None


def test_nothing_is_asked_once_another_champion_is_served(workplace: Workplace) -> None:
    judged(workplace, "three", "c" * 64, "promote", epoch=1)
    release.promote(workplace, package="c" * 64, run_key="three")
    assert "epoch 2 is served" in show_evidence(workplace, **ASKED)["why"]


def test_an_approval_is_served_and_recorded(workplace: Workplace) -> None:
    show_evidence(workplace, **ASKED)
    assert approve(workplace)["epoch"] == 2
    ended = record_outcome(workplace, **ASKED, answer="Approve", who="Ada", why="better")
    assert (ended["ending"], ended["served"], ended["who"]) == ("served", 2, "Ada")
    assert (served(workplace).kind, served(workplace).actor, served(workplace).reason) == ("approved", "Ada", "better")
    assert declined(workplace) == []


def test_a_rejection_is_in_the_audit_once_however_often_it_is_written(workplace: Workplace) -> None:
    show_evidence(workplace, **ASKED)
    ended = record_outcome(workplace, **ASKED, answer="Reject", **WHY)
    assert record_outcome(workplace, **ASKED, answer="Reject", **WHY) == ended
    killed = {name: value for name, value in ended.items() if name in ("asked_by", "run_key", "epoch", "run_id")}
    workplace.runs.decision(B).write(killed)  # a try that was killed after its commit
    assert record_outcome(workplace, **ASKED, answer="Reject", **WHY) == ended
    assert (ended["ending"], ended["served"]) == ("rejected", None)
    assert declined(workplace) == [("Ada", {"asked_by": "deploy-1", "ending": "rejected", "why": "toys fall"})]
    assert served(workplace).epoch == 1


def test_a_question_that_nobody_answered_says_so(workplace: Workplace) -> None:
    show_evidence(workplace, **ASKED)
    assert record_outcome(workplace, **ASKED, answer="Reject", who="", why="")["ending"] == "expired"
    assert [actor for actor, _ in declined(workplace)] == ["nobody"]


def test_an_approval_that_came_too_late_moves_nothing_and_says_so(workplace: Workplace) -> None:
    show_evidence(workplace, **ASKED)
    judged(workplace, "three", "c" * 64, "promote", epoch=1)
    release.promote(workplace, package="c" * 64, run_key="three")
    late = approve(workplace)
    assert (late["epoch"], late["why"]) == (None, "expected epoch 1, found 2")
    assert record_outcome(workplace, **ASKED, answer="Approve", **WHY)["ending"] == "moved"
    assert served(workplace).models == {"fusion": "c" * 64}


def test_two_approvals_of_one_package_move_the_epoch_once(workplace: Workplace) -> None:
    assert [approve(workplace)["epoch"], approve(workplace)["epoch"]] == [2, 2]
    assert served(workplace).epoch == 2


def test_an_answer_needs_a_question_and_one_of_two_words(workplace: Workplace) -> None:
    with pytest.raises(NotAsked):
        record_outcome(workplace, **ASKED, answer="Reject", **WHY)
    with pytest.raises(BadAnswer):
        record_outcome(workplace, **ASKED, answer="Perhaps", **WHY)


def test_a_rollback_that_is_tried_again_leaves_one_epoch(workplace: Workplace) -> None:
    approve(workplace)
    back = {"reason": "wrong lamps", "actor": "Ada", "run_key": "deploy-9"}
    assert release.roll_back(workplace, expected_epoch=None, **back)["epoch"] == 3
    assert release.roll_back(workplace, expected_epoch=None, **back)["epoch"] == 3
    assert served(workplace).models == {"fusion": A}


def test_a_rollback_that_was_overtaken_is_refused(workplace: Workplace) -> None:
    approve(workplace)
    workplace.runs.result("deploy-9", "rollback").write({"leave": 2})  # its first try was killed here
    release.roll_back(workplace, reason="somebody else's", actor="operator", expected_epoch=2)
    with pytest.raises(promotions.EpochMoved):
        release.roll_back(workplace, reason="wrong lamps", actor="Ada", expected_epoch=None, run_key="deploy-9")
