"""Learning whom to trust, from made-up experts whose merits are known."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.domain.product import Modality
from inference.fusion import log_softmax
from inference.fusion_model import Inputs
from inference.heads import DenseHead
from training.config import BlendConfig
from training.experts import ABSENT_LOGIT, FittedExpert
from training.fusion import fit_blends, fit_temperature, fit_weights
from training.learning_rows import LearningRows

CLASSES, ROWS = 4, 600
CONFIG = BlendConfig(floor=-8.0, prior_rows=30.0)
NOTHING = DenseHead(*(np.zeros((0, 0), np.float32),) * 4)


def rows(count: int = ROWS) -> LearningRows:
    random = np.random.default_rng(2)
    one = np.ones(count, bool)
    inputs = Inputs({}, ["x"] * count, one, one)
    labels = random.integers(0, CLASSES, count)
    return LearningRows(np.arange(count), inputs, np.arange(CLASSES), labels, one, np.arange(count) % 5, 5)


def expert(labels: np.ndarray, strength: float | Sequence[float], seed: int) -> FittedExpert:
    """Says noise, plus ``strength`` (one number, or one per class) for the true class."""
    logits = np.random.default_rng(seed).normal(size=(len(labels), CLASSES))
    logits[np.arange(len(labels)), labels] += np.broadcast_to(strength, CLASSES)[labels]
    return FittedExpert(NOTHING, logits, np.arange(len(labels)), {})


def test_a_temperature_makes_exaggeration_undone() -> None:
    data = rows()
    honest = expert(data.labels, 2.0, 1).unseen
    honest *= fit_temperature(honest, data.labels) ** -1
    assert fit_temperature(honest * 3, data.labels) == pytest.approx(3, rel=1e-3)
    assert fit_temperature(honest, data.labels) == pytest.approx(1, rel=1e-3)


def test_no_rows_leave_the_temperature_at_one() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, np.intp)) == 1


def test_two_experts_with_merits_of_their_own_are_better_together() -> None:
    data = rows()
    found = fit_blends(data, {"bert": expert(data.labels, 1.5, 1), "appearance": expert(data.labels, 1.5, 2)}, CONFIG)
    scores = found.weighted_f1[Modality.TEXT_AND_IMAGE]
    assert scores["fusion"] > max(scores["bert"], scores["appearance"]) + 0.03
    assert found.fusion.blends[Modality.TEXT_AND_IMAGE].experts == ("bert", "appearance")


def test_where_fusing_is_no_better_the_best_expert_answers_alone() -> None:
    data = rows()
    perfect = expert(data.labels, 50.0, 1)
    found = fit_blends(data, {"bert": perfect, "appearance": expert(data.labels, 0.0, 2)}, CONFIG)
    assert found.fusion.blends[Modality.TEXT_AND_IMAGE].experts == ("bert",)


def test_a_blend_of_one_half_has_only_its_experts() -> None:
    data = rows()
    experts = {name: expert(data.labels, 1.5, seed) for seed, name in enumerate(("bert", "lexical", "appearance"))}
    blends = fit_blends(data, experts, CONFIG).fusion.blends
    assert blends[Modality.TEXT_ONLY].experts == ("bert", "lexical")
    assert blends[Modality.IMAGE_ONLY].experts == ("appearance",)


def test_a_class_trusts_the_expert_that_knows_it() -> None:
    data = rows(3000)
    knows_first = log_softmax(expert(data.labels, [3, 3, 0, 0], 1).unseen)
    knows_last = log_softmax(expert(data.labels, [0, 0, 3, 3], 2).unseen)
    weight, _ = fit_weights(np.stack([knows_first, knows_last], axis=1), data.labels, prior_rows=1.0)
    assert (weight[0, :2] > weight[1, :2]).all()
    assert (weight[0, 2:] < weight[1, 2:]).all()


def test_a_class_without_rows_keeps_the_weights_that_all_share() -> None:
    data = rows()
    labels = data.labels % (CLASSES - 1)
    stack = np.stack([log_softmax(expert(labels, 1.5, seed).unseen) for seed in (1, 2)], axis=1)
    heavy, _ = fit_weights(stack, labels, prior_rows=1e6)
    np.testing.assert_allclose(heavy, heavy[:, :1].repeat(CLASSES, axis=1), rtol=1e-2)


def test_what_a_head_could_not_know_does_not_make_it_timid() -> None:
    data = rows()
    known = expert(data.labels, 2.0, 1)
    blind = known.unseen.copy()
    blind[:20][np.arange(20), data.labels[:20]] = ABSENT_LOGIT
    config = {"bert": FittedExpert(NOTHING, blind, known.rows, {})}
    temperature = fit_blends(data, config, CONFIG).fusion.temperatures["bert"]
    assert temperature == pytest.approx(fit_temperature(known.unseen[20:], data.labels[20:]))
