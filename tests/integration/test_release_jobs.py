"""The verbs that move the release, on a real ledger: what they repeat, what they refuse, what they survive."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from core.db.models import Base, Promotion
from core.db.repositories import promotions
from core.db.repositories.promotions import EpochMoved, NothingToRollBack
from core.db.session import make_engine
from core.settings import (
    DatabaseSettings,
    GateSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from training.jobs import release
from training.jobs.release import Approval, BadApproval, NotJudged, Refused
from training.jobs.workplace import Workplace

A, B = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One tracking store for all tests here: none of them registers anything, and making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


@pytest.fixture
def workplace(tmp_path: Path, tracking_uri: str) -> Iterator[Workplace]:
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db")
    engine = make_engine(database)
    Base.metadata.create_all(engine)
    engine.dispose()
    workplace = Workplace(
        store=StoreSettings(root=tmp_path / "var"),
        model=ModelSettings(),
        train=TrainSettings(tracking_uri=tracking_uri),
        gate=GateSettings(),
        database=database,
        serving=ServingSettings(),
    )
    yield workplace
    workplace.close()


def judged(workplace: Workplace, run_key: str, package: str, decision: str, *, epoch: int) -> dict[str, Any]:
    return workplace.runs.result(run_key, "judge").write(
        {
            "package": package,
            "decision": decision,
            "epoch": epoch,
            "run_id": f"run-{package[:4]}",
            "manifest": 1,
            "taxonomy_version": "t",
            "gate": {"outcome": decision},
        }
    )


def served(workplace: Workplace) -> Promotion | None:
    with workplace.sessions() as session:
        return promotions.current(session)


def promote_first(workplace: Workplace) -> None:
    judged(workplace, "one", A, "first", epoch=0)
    release.promote(workplace, package=A, run_key="one")


def test_a_first_model_becomes_epoch_one(workplace: Workplace) -> None:
    judged(workplace, "one", A, "first", epoch=0)
    result = release.promote(workplace, package=A, run_key="one")
    row = served(workplace)
    assert (result["epoch"], row.kind, row.models, row.run_id) == (1, "first", {"fusion": A}, "run-aaaa")


@pytest.mark.parametrize("decision", ["grey", "refuse"])
def test_a_package_the_gate_stopped_moves_nothing(workplace: Workplace, decision: str) -> None:
    promote_first(workplace)
    judged(workplace, "two", B, decision, epoch=1)
    assert release.promote(workplace, package=B, run_key="two")["epoch"] is None
    assert served(workplace).epoch == 1


def test_a_package_nobody_judged_is_refused(workplace: Workplace) -> None:
    with pytest.raises(NotJudged):
        release.promote(workplace, package=A, run_key="one")
    judged(workplace, "one", A, "first", epoch=0)
    with pytest.raises(NotJudged):
        release.promote(workplace, package=B, run_key="one")


def test_a_person_lets_a_grey_package_through_and_signs_for_it(workplace: Workplace) -> None:
    promote_first(workplace)
    judged(workplace, "two", B, "grey", epoch=1)
    approval = Approval.parse("Ada: better where it matters: toys")
    assert release.promote(workplace, package=B, run_key="two", approval=approval)["epoch"] == 2
    row = served(workplace)
    assert (row.kind, row.actor, row.reason) == ("approved", "Ada", "better where it matters: toys")


@pytest.mark.parametrize("decision", ["refuse", "companion"])
def test_nobody_can_approve_what_the_gate_refused_or_never_weighed(workplace: Workplace, decision: str) -> None:
    promote_first(workplace)
    judged(workplace, "two", B, decision, epoch=1)
    with pytest.raises(Refused):
        release.promote(workplace, package=B, run_key="two", approval=Approval("Ada", "I like it"))
    assert served(workplace).epoch == 1


@pytest.mark.parametrize("text", ["", "Ada", "Ada:", ": good", f"{'a' * 129}: good"])
def test_an_approval_says_who_and_why(text: str) -> None:
    with pytest.raises(BadApproval):
        Approval.parse(text)


def test_promoting_twice_moves_the_epoch_once(workplace: Workplace) -> None:
    promote_first(workplace)
    assert release.promote(workplace, package=A, run_key="one")["epoch"] == 1
    assert served(workplace).epoch == 1


def test_a_promotion_killed_after_the_ledger_moved_is_recognised(workplace: Workplace) -> None:
    promote_first(workplace)
    (kept,) = workplace.store.runs.glob("*/promote.json")
    kept.unlink()
    assert release.promote(workplace, package=A, run_key="one")["epoch"] == 1
    assert served(workplace).epoch == 1


def test_a_decision_against_a_champion_that_is_gone_is_not_carried_out(workplace: Workplace) -> None:
    promote_first(workplace)
    judged(workplace, "two", B, "promote", epoch=0)
    with pytest.raises(EpochMoved):
        release.promote(workplace, package=B, run_key="two")
    assert served(workplace).models == {"fusion": A}


def test_companions_stay_served_when_the_fusion_moves(workplace: Workplace) -> None:
    with workplace.sessions.begin() as session:
        facts = {"actor": "admin", "reason": "", "kind": "manual", "gate_report": None, "run_id": None}
        models = {"fusion": A, "lexical": "c" * 64}
        promotions.promote(session, expected_epoch=0, models=models, manifest=1, taxonomy_version="t", **facts)
    judged(workplace, "two", B, "promote", epoch=1)
    release.promote(workplace, package=B, run_key="two")
    assert served(workplace).models == {"fusion": B, "lexical": "c" * 64}


def test_a_silent_tracking_server_does_not_stop_a_promotion(
    workplace: Workplace, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    workplace.train = TrainSettings(tracking_uri="http://127.0.0.1:9")
    judged(workplace, "one", A, "first", epoch=0)
    assert release.promote(workplace, package=A, run_key="one")["mirrored"] is False
    assert served(workplace).epoch == 1
    assert "tracking.not_mirrored" in caplog.messages


def test_the_aliases_follow_what_a_person_moved_over_http(workplace: Workplace) -> None:
    client = MlflowClient(workplace.train.tracking_uri)
    client.create_registered_model("fusion")
    for package in (A, B):
        client.create_model_version("fusion", source=f"packages/{package}", tags={"package": package})
    assert release.follow_ledger(workplace) == {"epoch": None, "models": {}}
    facts = {"actor": "ada", "reason": "", "gate_report": None, "run_id": None, "manifest": 1, "taxonomy_version": "t"}
    with workplace.sessions.begin() as session:
        promotions.promote(session, expected_epoch=0, models={"fusion": A}, kind="first", **facts)
        promotions.promote(session, expected_epoch=1, models={"fusion": B}, kind="manual", **facts)
    assert [release.follow_ledger(workplace) for _ in range(2)] == [{"epoch": 2, "models": {"fusion": B}}] * 2
    found = {alias: client.get_model_version_by_alias("fusion", alias) for alias in ("champion", "previous")}
    assert {alias: version.tags["package"] for alias, version in found.items()} == {"champion": B, "previous": A}


def test_rolling_back_serves_the_previous_model_and_says_why(workplace: Workplace) -> None:
    promote_first(workplace)
    judged(workplace, "two", B, "promote", epoch=1)
    release.promote(workplace, package=B, run_key="two")
    result = release.roll_back(workplace, reason="complaints", actor="admin", expected_epoch=2)
    row = served(workplace)
    assert (result["epoch"], result["models"], row.reason, row.actor) == (3, {"fusion": A}, "complaints", "admin")
    with pytest.raises(EpochMoved):
        release.roll_back(workplace, reason="complaints", actor="admin", expected_epoch=2)


def test_the_first_release_cannot_be_rolled_back_by_a_job(workplace: Workplace) -> None:
    promote_first(workplace)
    with pytest.raises(NothingToRollBack):
        release.roll_back(workplace, reason="complaints", actor="admin", expected_epoch=None)
