"""What a model says of a whole product, and of each of its halves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.domain.product import Modality
from inference.family import IMAGE, TEXT
from inference.fusion import Blend, Fusion
from inference.fusion_model import FusionModel, Inputs
from inference.heads import DenseHead, Head, MlpHead

CODES = (10, 40)
TITLE, PHOTO = 2.0, -2.0  # one feature of each half: above zero speaks for 10, below for 40


def bert() -> DenseHead:
    return DenseHead(np.zeros(1, np.float32), np.ones(1, np.float32), np.array([[1, -1]], np.float32), _zeros(2))


def concat() -> MlpHead:
    """Adds up both halves; a missing one counts as nothing."""
    hidden = np.array([[1, -1], [1, -1]], np.float32)
    return MlpHead(_zeros(2), np.ones(2, np.float32), hidden, _zeros(2), np.eye(2, dtype=np.float32), _zeros(2))


def _zeros(count: int) -> NDArray[np.float32]:
    return np.zeros(count, np.float32)


def model(**heads: Head) -> FusionModel:
    blend = Blend(tuple(heads), np.ones((len(heads), 2)), np.zeros(2), 1.0)
    halves = [Modality.TEXT_ONLY] if heads.keys() == {"bert"} else list(Modality)
    fusion = Fusion(dict.fromkeys(heads, 1.0), -10.0, dict.fromkeys(halves, blend))
    return FusionModel(CODES, np.arange(2), heads, fusion)


def product(*, title: bool = True, photo: bool = True) -> Inputs:
    features = {"text": np.array([[TITLE]], np.float16), "image": np.array([[2 * PHOTO]], np.float16)}
    return Inputs(features, ["a title"], np.array([title]), np.array([photo]))


def alone(one: FusionModel, half: Modality, inputs: Inputs) -> NDArray[np.float64]:
    return one.fuse_alone(half, inputs, one.listen(inputs))[0]


@pytest.mark.parametrize(("half", "likeliest"), [(TEXT, 10), (IMAGE, 40)])
def test_a_half_alone_is_answered_as_if_the_other_had_not_been_sent(half: Modality, likeliest: int) -> None:
    """Also by an expert that reads both: it is asked again without the other half."""
    both = model(concat=concat())
    sent_alone = both.probabilities(product(title=half is TEXT, photo=half is IMAGE))[0]
    np.testing.assert_array_equal(alone(both, half, product()), sent_alone)
    assert CODES[int(sent_alone.argmax())] == likeliest
    assert not np.allclose(sent_alone, both.probabilities(product())[0])


def test_a_half_that_nothing_was_learnt_from_has_no_answer() -> None:
    reads_titles = model(bert=bert())
    assert reads_titles.modalities(product().only(IMAGE)) == [None]
    np.testing.assert_allclose(alone(reads_titles, IMAGE, product()), 0.5)


def test_a_model_says_which_halves_it_reads() -> None:
    assert model(bert=bert()).halves == {TEXT}
    assert model(concat=concat()).halves == {TEXT, IMAGE}
