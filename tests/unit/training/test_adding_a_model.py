"""The page on adding a model does what it says: its code is run as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.product import Modality
from inference.family import EXPERTS
from inference.model import ServedModel
from training.config import EXPERT_SECTIONS, FusionConfig
from training.family import RECIPES, TRAINERS, recipe_of
from training.fit import FittedModel, fit_model
from training.learning_rows import TrainingData
from training.package import Provenance, golden_rows, package_model

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def added() -> Iterator[dict[str, Any]]:
    """What the page defines, with its entries in the tables for as long as these tests run."""
    tables = (EXPERTS, EXPERT_SECTIONS, TRAINERS, RECIPES)
    before = [dict(table) for table in tables]
    defined: dict[str, Any] = {"__name__": "added_model"}
    exec(compile(blocks("python"), "docs/adding-a-model.md", "exec"), defined)
    yield defined
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)


@pytest.fixture(scope="module")
def config(added: dict[str, Any]) -> FusionConfig:
    """The shipped configuration with the page's section."""
    return FusionConfig.read((ROOT / "training" / "config.toml").read_bytes() + blocks("toml").encode())


@pytest.fixture(scope="module")
def fitted(data: TrainingData, config: FusionConfig) -> FittedModel:
    return fit_model(recipe_of("centroid", config), data, config)


def test_the_new_model_is_trained_packaged_and_answers(
    fitted: FittedModel, shop: Any, data: TrainingData, tmp_path: Path, write_encoder: Any, toy_pool: Any
) -> None:
    package = package_model(
        fitted,
        data,
        name="centroid",
        packages_root=tmp_path,
        provenance=Provenance(1, "0" * 64, {"text": write_encoder(tmp_path, "text-encoder").sha}),
        taxonomy=shop.taxonomy,
        golden={row: shop.products[row] for row in golden_rows(data)},
    )
    assert (package.spec["architecture"], set(package.spec["encoders"])) == ("centroid", {"text"})
    assert "nearness to each class's mean" in package.file("model_card.md").read_text(encoding="utf-8")
    served = ServedModel.load(tmp_path, package.sha, encoders=toy_pool)
    answer = served.predict([shop.products[0]])[0]
    assert (answer.prdtypecode, answer.modality, set(answer.experts)) == (10, Modality.TEXT_ONLY, {"centroid"})


def test_a_recipe_may_put_it_beside_other_experts(data: TrainingData, config: FusionConfig) -> None:
    fusion = fit_model(recipe_of("fusion-centroid", config), data, config)
    assert set(fusion.model.heads) == {"centroid", "lexical", "appearance"}
    assert set(fusion.model.fusion.blends) == set(Modality)


def test_the_pages_lines_fit_the_house_style() -> None:
    assert max(len(line) for line in blocks("python").splitlines()) <= 120
