"""Models trained by name stand beside the champion and answer those who ask for them: jobs and service for real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.settings import GateSettings, ModelSettings, TrainSettings
from core.store.segments import BASE_SEGMENT
from inference.golden import GoldenMismatch
from tests.integration.api.packaged import write_tiny_model
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database
from tests.toys.shop import QUICK_CONFIG, TAXONOMY, Shop
from training.jobs import companions, learn
from training.jobs.companions import NoCompanion
from training.jobs.workplace import Workplace

pytestmark = same_on_any_database


@pytest.fixture
def workplace(settings: ServiceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A store with a few products; nothing is served yet, and no tracking server runs."""
    monkeypatch.setattr(companions, "mirror", lambda workplace: False)
    (settings.store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
    (tmp_path / "config.toml").write_text(QUICK_CONFIG)
    Shop(settings.store).add(BASE_SEGMENT, {"train": 30, "validation": 6})
    workplace = Workplace(
        store=settings.store,
        model=ModelSettings(),
        train=TrainSettings(config=tmp_path / "config.toml"),
        gate=GateSettings(),
        database=settings.database,
        serving=settings.serving,
    )
    yield workplace
    workplace.close()


@pytest.fixture
def service(settings: ServiceSettings, workplace: Workplace, photo: bytes) -> Iterator[Service]:
    """The service with its own loader, serving a champion of the real kind."""
    app = create_app(settings)
    service = Service(app, TestClient(app))
    service.promote(write_tiny_model(settings.store.packages, photo))
    with service.http:
        service.poll()
        yield service


def fit(workplace: Workplace, model: str) -> str:
    return learn.fit(workplace, manifest=None, run_key=f"fit {model}", model=model)["package"]


def test_a_companion_answers_those_who_ask_for_it(
    service: Service, workplace: Workplace, customer: dict[str, str]
) -> None:
    before = service.predict(customer)["model"]
    packages = {model: fit(workplace, model) for model in ("lexical", "fusion-weighted")}
    for model in packages:
        told = companions.release_companion(workplace, model=model)
    assert told["models"] == {"fusion": before["version"], **packages}
    service.poll()
    for model, package in packages.items():
        answer = service.http.post(f"/predict?model={model}", data={"designation": "jeu console"}, headers=customer)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["prdtypecode"], answer.json()["modality"]) == (40, "text-only")
        assert answer.json()["model"] == {"name": model, "version": package, "epoch": 3}
    assert service.predict(customer)["model"] == {**before, "epoch": 3}


def test_releasing_the_same_companion_again_changes_nothing(service: Service, workplace: Workplace) -> None:
    fit(workplace, "lexical")
    first, second = (companions.release_companion(workplace, model="lexical") for _ in range(2))
    assert first == second


def test_what_cannot_stand_beside_the_champion_is_refused(service: Service, workplace: Workplace) -> None:
    package = fit(workplace, "lexical")
    with pytest.raises(NoCompanion, match="gate"):
        companions.release_companion(workplace, model="fusion", package=package)
    with pytest.raises(NoCompanion, match="is a lexical"):
        companions.release_companion(workplace, model="appearance", package=package)
    with pytest.raises(NoCompanion, match="train it first"):
        companions.release_companion(workplace, model="appearance")


def test_a_companion_without_a_champion_is_refused(workplace: Workplace) -> None:
    fit(workplace, "lexical")
    with pytest.raises(NoCompanion, match="nothing is served"):
        companions.release_companion(workplace, model="lexical")


def test_a_companion_that_forgot_its_golden_answers_is_not_served(
    service: Service, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = fit(workplace, "lexical")
    monkeypatch.setattr("inference.golden.TOLERANCE", -1.0)
    with pytest.raises(GoldenMismatch):
        companions.release_companion(workplace, model="lexical", package=package)
