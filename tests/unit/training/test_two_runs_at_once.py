"""Two trainings at once: the second finds another champion than it was compared with, or newer labels than it learnt.

It is judged again, or its release asks for a retraining.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.db.models import Base
from core.db.repositories import promotions, retrain_requests
from core.db.repositories.promotions import EpochMoved
from core.db.session import make_engine
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from tests.toys.shop import Shop
from training.jobs import chains, release
from training.jobs.workplace import Workplace

FULL, RETRAINED = "a" * 64, "b" * 64


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A store where a full training and a retraining were both judged beside nothing."""
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db")
    engine = make_engine(database)
    Base.metadata.create_all(engine)
    engine.dispose()
    monkeypatch.setattr(release, "mirror", lambda workplace: True)
    workplace = Workplace(
        store=StoreSettings(root=tmp_path / "var"),
        model=ModelSettings(),
        train=TrainSettings(),
        gate=GateSettings(),
        database=database,
        serving=ServingSettings(),
    )
    decide(workplace, "sunday", FULL, "promote", epoch=0)
    decide(workplace, "ten past", RETRAINED, "promote", epoch=0)
    yield workplace
    workplace.close()


def decide(workplace: Workplace, run_key: str, package: str, decision: str, *, epoch: int) -> dict[str, Any]:
    facts = {"manifest": 1, "taxonomy_version": "t", "gate": {"outcome": decision}, "run_id": f"run of {package[:4]}"}
    result = workplace.runs.result(run_key, "judge")
    return result.write({"package": package, "decision": decision, "epoch": epoch, **facts})


def served(workplace: Workplace) -> tuple[int, str]:
    with workplace.sessions() as session:
        row = promotions.current(session)
        return row.epoch, row.models["fusion"]


@pytest.fixture
def asked_again(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run keys that were judged again; what is served is now the better one, for the gate refuses."""
    asked: list[str] = []

    def judge(workplace: Workplace, *, package: str, manifest: int, run_key: str) -> dict[str, Any]:
        asked.append(run_key)
        return decide(workplace, run_key, package, "refuse", epoch=served(workplace)[0])

    monkeypatch.setattr(chains.judgement, "judge", judge)
    return asked


def test_a_promotion_upon_a_champion_that_is_gone_is_refused(workplace: Workplace) -> None:
    release.promote(workplace, package=RETRAINED, run_key="ten past")
    with pytest.raises(EpochMoved):
        release.promote(workplace, package=FULL, run_key="sunday")
    assert served(workplace) == (1, RETRAINED)


def test_the_second_of_two_is_judged_again_and_the_gate_has_the_last_word(
    workplace: Workplace, asked_again: list[str]
) -> None:
    assert chains.promote_judging_again(workplace, package=RETRAINED, run_key="ten past")["epoch"] == 1
    told = chains.promote_judging_again(workplace, package=FULL, run_key="sunday")
    assert (told["epoch"], told["decision"], asked_again) == (None, "refuse", ["sunday"])
    assert served(workplace) == (1, RETRAINED)


def test_whoever_is_still_better_is_promoted_after_the_second_look(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(workplace: Workplace, *, package: str, manifest: int, run_key: str) -> dict[str, Any]:
        return decide(workplace, run_key, package, "promote", epoch=served(workplace)[0])

    monkeypatch.setattr(chains.judgement, "judge", judge)
    chains.promote_judging_again(workplace, package=RETRAINED, run_key="ten past")
    assert chains.promote_judging_again(workplace, package=FULL, run_key="sunday")["epoch"] == 2
    assert served(workplace) == (2, FULL)


def test_a_repeated_promotion_asks_nobody(workplace: Workplace, asked_again: list[str]) -> None:
    for _ in range(2):
        assert chains.promote_judging_again(workplace, package=FULL, run_key="sunday")["epoch"] == 1
    assert asked_again == []


def test_a_release_from_an_older_snapshot_asks_for_a_retraining(workplace: Workplace) -> None:
    shop = Shop(workplace.store)
    shop.add("000000-base", {"train": 1})
    release.promote(workplace, package=RETRAINED, run_key="ten past")
    with workplace.sessions() as session:
        assert retrain_requests.newest(session) is None
    shop.add("000001", {"train": 1})
    decide(workplace, "sunday", FULL, "promote", epoch=1)
    release.promote(workplace, package=FULL, run_key="sunday")
    with workplace.sessions() as session:
        wish = retrain_requests.newest(session)
    assert wish.request.reason == "epoch 2 learnt from manifest 1, the store is at 2"
    assert wish.requested_by is None
