"""Packages a trained model: spec, arrays, golden answers and model card, under the sha of what it computes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality, Product
from core.domain.splits import Split
from core.domain.taxonomy import Taxonomy
from core.registry.packages import Package, open_package, write_package
from inference.appearance import APPEARANCE_SHA
from inference.family import EXPERTS, FEATURES, TEXT, WITHOUT_WEIGHTS
from inference.fusion_model import Inputs
from inference.golden_products import GOLDEN, GoldenProducts, write_golden
from inference.model import MODEL
from preprocessing.spec import PreprocessingSpec
from preprocessing.text import compose
from training.family import TRAINERS
from training.fit import FittedModel
from training.learning_rows import TrainingData, take

CARD_TEMPLATE = Path(__file__).resolve().parent.parent / "mlflow" / "model-card.md"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a model was trained on and with.

    Attributes:
        manifest: number of the training store's manifest.
        manifest_sha256: of that manifest.
        encoders: sha of what made each feature, by feature.
    """

    manifest: int
    manifest_sha256: str
    encoders: Mapping[str, str]


def golden_rows(data: TrainingData, count: int = 4) -> list[int]:
    """The first ``count`` training rows, those with both halves before others: the ones to fetch raw products of."""
    train = np.flatnonzero(np.array(data.splits, dtype=str) == Split.TRAIN)
    halves = data.inputs.has_text[train].astype(int) + data.inputs.has_image[train]
    return train[np.argsort(-halves, kind="stable")][:count].tolist()


def package_model(
    fitted: FittedModel,
    data: TrainingData,
    *,
    name: str,
    packages_root: Path,
    provenance: Provenance,
    taxonomy: Taxonomy,
    golden: Mapping[int, Product],
    card_template: Path = CARD_TEMPLATE,
    extra_files: Mapping[str, bytes] | None = None,
) -> Package:
    """Write the model's package, or return the one that already computes the same.

    Args:
        fitted: what ``fit_model`` returned.
        data: what it was given.
        name: under which the model is released, such as ``fusion``.
        packages_root: where the encoders' packages lie, and this one will.
        provenance: snapshot and encoders.
        taxonomy: whose codes are the model's columns.
        golden: raw products of some rows of ``data`` (text as sent, photo sanitised); their answers, computed from
            the cached features, are what the loaded package must give from the raw products.
        card_template: ``string.Template`` in Markdown.
        extra_files: to keep beside the model, by name; no part of its identity.

    Raises:
        ValueError: no golden product, one that is not its row's, or a taxonomy with other codes.
        MissingPackage: an encoder's package is not in ``packages_root``.
    """
    if taxonomy.codes != fitted.model.codes:
        raise ValueError(f"expected the taxonomy of the model's codes. Received: version {taxonomy.version}")
    encoders = {
        feature: open_package(packages_root, provenance.encoders[feature])
        for feature in fitted.recipe.features
        if feature not in WITHOUT_WEIGHTS
    }
    spec = _spec(fitted, name, provenance, taxonomy, encoders)
    card = _card(fitted, data, spec, taxonomy, encoders, card_template)
    answers = _golden_answers(fitted, data, golden)
    return write_package(
        packages_root,
        kind=MODEL,
        spec=spec,
        arrays=fitted.model.to_arrays(),
        extra_files={**(extra_files or {}), GOLDEN: write_golden(answers), "model_card.md": card.encode()},
        derived=lambda folder: _export_heads(fitted, folder),
    )


def _export_heads(fitted: FittedModel, folder: Path) -> None:
    for expert, head in fitted.model.heads.items():
        export = TRAINERS[expert].export
        if export is not None:
            export(head, folder)


def _spec(
    fitted: FittedModel, name: str, provenance: Provenance, taxonomy: Taxonomy, encoders: Mapping[str, Package]
) -> dict[str, Any]:
    of_text = [package.spec["preprocessing"] for feature, package in encoders.items() if FEATURES[feature] is TEXT]
    rules = PreprocessingSpec.from_dict(of_text[0]) if of_text else PreprocessingSpec()
    computed = {one: WITHOUT_WEIGHTS[one].sha for one in fitted.recipe.features if one in WITHOUT_WEIGHTS}
    return {
        "architecture": fitted.recipe.name,
        "name": name,
        "taxonomy_version": taxonomy.version,
        "preprocessing": rules.to_dict(),
        "encoders": {feature: package.sha for feature, package in encoders.items()} | computed,
        "weights": {feature: package.spec["weights"] for feature, package in encoders.items()},
        "snapshot": {"manifest": provenance.manifest, "sha256": provenance.manifest_sha256},
        "thresholds": fitted.thresholds.to_spec(),
        **fitted.model.to_spec(),
    }


def _golden_answers(fitted: FittedModel, data: TrainingData, golden: Mapping[int, Product]) -> GoldenProducts:
    """Each product as it is and, where it has both halves, with either one alone."""
    if not golden:
        raise ValueError("expected at least one golden product. Received: none")
    products: list[Product] = []
    probabilities: list[NDArray[np.float64]] = []
    for row, product in golden.items():
        inputs = take(data.inputs, np.array([row]))
        if compose(product.designation, product.description) != inputs.texts[0]:
            raise ValueError(f"golden product {row} has another text than row {row} of the data")
        if (product.image is not None) != bool(inputs.has_image[0]):
            raise ValueError(f"golden product {row} must have a photo exactly when row {row} of the data has one")
        products.append(product)
        probabilities.append(fitted.model.probabilities(inputs))
        if inputs.has_text[0] and inputs.has_image[0]:
            nothing = np.zeros(1, dtype=bool)
            products.append(Product(product.designation, product.description))
            without_image = Inputs(inputs.features, inputs.texts, inputs.has_text, nothing)
            probabilities.append(fitted.model.probabilities(without_image))
            products.append(Product("", None, product.image))
            without_text = Inputs(inputs.features, [""], nothing, inputs.has_image)
            probabilities.append(fitted.model.probabilities(without_text))
    return GoldenProducts(products, np.concatenate(probabilities))


def _card(
    fitted: FittedModel,
    data: TrainingData,
    spec: Mapping[str, Any],
    taxonomy: Taxonomy,
    encoders: Mapping[str, Package],
    template: Path,
) -> str:
    model = fitted.model
    present = set(model.present_codes)
    absent = [f"{one.code} ({one.label})" for one in taxonomy if one.code not in present]
    splits = np.array(data.splits, dtype=str)
    learnt = data.codes[(splits == Split.TRAIN) | (splits == Split.VALIDATION)]
    return Template(template.read_text(encoding="utf-8")).substitute(
        name=spec["name"],
        manifest=spec["snapshot"]["manifest"],
        manifest_sha256=spec["snapshot"]["sha256"],
        classes=len(taxonomy),
        taxonomy_version=taxonomy.version,
        experts=_lines(f"- **{one}**: {EXPERTS[one].about}." for one in model.heads),
        floor=model.fusion.floor,
        blends=_lines(f"- {_HALVES[half]}: {', '.join(one.experts)}" for half, one in model.fusion.blends.items()),
        encoders=_lines(_encoder_line(feature, package) for feature, package in encoders.items()) or "| none | | | |",
        appearance_sha=APPEARANCE_SHA,
        train_rows=fitted.rows["train"],
        validation_rows=fitted.rows["validation"],
        absent=f"No training rows, never suggested: {', '.join(absent)}." if absent else "Every category has some.",
        categories=_lines(
            f"| {one.code} | {one.label} | {one.theme} | {int((learnt == one.code).sum())} |" for one in taxonomy
        ),
        scores=_lines(
            f"| {_HALVES[half]} | {expert} | {score:.3f} |"
            for half, each in fitted.out_of_fold.items()
            for expert, score in each.items()
        ),
        max_tokens=spec["preprocessing"]["max_tokens"],
        image_size=spec["preprocessing"]["image_size"],
    )


_HALVES = {
    Modality.TEXT_AND_IMAGE: "text and photo",
    Modality.TEXT_ONLY: "text only",
    Modality.IMAGE_ONLY: "photo only",
}


def _encoder_line(feature: str, package: Package) -> str:
    source = package.spec["source"]
    return f"| {feature}: {package.spec['architecture']} | {source['loaded']} | {source['licence']} | `{package.sha}` |"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
