"""Temperatures, floors and blends on numbers small enough to follow."""

import numpy as np
import pytest

from core.domain.product import Modality
from inference.answer import rank
from inference.fusion import Blend, Fusion, log_softmax
from inference.heads import DenseHead


def plain_blend(*experts: str, classes: int = 3, temperature: float = 1.0) -> Blend:
    weight = np.full((len(experts), classes), 1 / len(experts))
    return Blend(experts, weight, np.zeros(classes), temperature)


def fusion(**changes: object) -> Fusion:
    given = {
        "temperatures": {"bert": 1.0, "appearance": 1.0},
        "floor": -8.0,
        "blends": {
            Modality.TEXT_AND_IMAGE: plain_blend("bert", "appearance"),
            Modality.TEXT_ONLY: plain_blend("bert"),
        },
    }
    return Fusion(**given | changes)


def test_log_softmax_survives_huge_scores() -> None:
    logs = log_softmax(np.array([[1e5, 0.0, -1e5], [3.0, 3.0, 3.0]]))
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)
    np.testing.assert_allclose(logs[1], -np.log(3))


def test_a_higher_temperature_is_less_sure_and_of_the_same_opinion() -> None:
    logits = np.array([[2.0, 1.0, 0.0]])
    cold = fusion(temperatures={"bert": 0.5}).calibrate("bert", logits)
    hot = fusion(temperatures={"bert": 4.0}).calibrate("bert", logits)
    assert cold.argmax() == hot.argmax() == 0
    assert cold.max() > hot.max()


def test_experts_of_one_opinion_agree_in_the_fusion() -> None:
    said = log_softmax(np.array([[2.0, 1.0, 0.0]]))
    fused = fusion().fuse(Modality.TEXT_AND_IMAGE, {"bert": said, "appearance": said})
    np.testing.assert_allclose(fused, np.exp(said))


def test_one_expert_cannot_rule_a_class_out_alone() -> None:
    ruled_out = log_softmax(np.array([[0.0, 0.0, -1e4]]))
    sure_of_it = log_softmax(np.array([[0.0, 0.0, 30.0]]))
    fused = fusion().fuse(Modality.TEXT_AND_IMAGE, {"bert": ruled_out, "appearance": sure_of_it})
    assert fused[0, 2] > 0.3  # without the floor it would be e^-5000


def test_each_class_may_trust_another_expert() -> None:
    blend = Blend(("bert", "appearance"), np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), np.zeros(3), 1.0)
    text, image = log_softmax(np.array([[2.0, 0.0, 0.0]])), log_softmax(np.array([[0.0, 5.0, 0.0]]))
    scores = blend.log_probabilities({"bert": text, "appearance": image})
    np.testing.assert_allclose(scores, log_softmax(np.array([[text[0, 0], image[0, 1], text[0, 2]]])))


@pytest.mark.parametrize(
    ("has_text", "has_image", "expected"),
    [
        (True, True, Modality.TEXT_AND_IMAGE),
        (True, False, Modality.TEXT_ONLY),
        (False, True, None),  # this fusion never learnt from photos alone
        (False, False, None),
    ],
)
def test_the_blend_is_that_of_the_halves_a_product_has(
    has_text: bool, has_image: bool, expected: Modality | None
) -> None:
    assert fusion().blend_for(has_text=has_text, has_image=has_image) == expected


def test_a_fusion_that_knows_no_photos_answers_from_the_text() -> None:
    textual = fusion(blends={Modality.TEXT_ONLY: plain_blend("bert")})
    assert textual.blend_for(has_text=True, has_image=True) == Modality.TEXT_ONLY


def test_a_head_standardises_before_it_multiplies() -> None:
    head = DenseHead(
        mean=np.array([1, 10], np.float32),
        scale=np.array([2, 5], np.float32),
        weight=np.array([[1, 0, 0], [0, 1, 0]], np.float32),
        bias=np.array([0, 0, 7], np.float32),
    )
    logits = head.logits(np.array([[3, 20], [1, 10]], np.float16))
    np.testing.assert_array_equal(logits, [[1, 2, 7], [0, 0, 7]])
    assert logits.dtype == np.float64


def test_equal_probabilities_are_ranked_by_code() -> None:
    ranking = rank(np.array([0.25, 0.5, 0.25]), (10, 20, 30), top_k=3)
    assert ranking == ((20, 0.5), (10, 0.25), (30, 0.25))
