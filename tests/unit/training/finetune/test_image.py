"""Which layers of ResNet50 learn, and what its batch normalisation does meanwhile."""

import keras
import numpy as np
import pytest

from training.encoders.images import body_of, build_network
from training.encoders.sources import Source, find_image_source
from training.finetune.image import build_image_learner

PHOTOS = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), dtype=np.uint8)
SOFT = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A weights file, as somebody else's training would have left it."""
    path = tmp_path_factory.mktemp("weights") / "known.weights.h5"
    body_of(build_network("resnet50", find_image_source("random"))).save_weights(path)
    return find_image_source(str(path))


def learner(source: Source, blocks: int | None) -> tuple[keras.Model, keras.Model]:
    keras.utils.set_random_seed(1)
    encoder, model = build_image_learner(source, layers_trained=blocks, classes=2, dropout=0.0)
    model.compile(keras.optimizers.SGD(1e-4), loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    return encoder, model


def changed_by_a_step(source: Source, blocks: int | None) -> set[str]:
    """Weights of the network, as ``layer/weight``, that two steps changed (in the first the head is still zero)."""
    encoder, model = learner(source, blocks)
    body = body_of(encoder)
    before = {id(weight): np.array(weight) for weight in body.weights}
    for _ in range(2):
        model.train_on_batch({"images": PHOTOS}, SOFT)
    named = [(f"{layer.name}/{weight.name}", weight) for layer in body.layers for weight in layer.weights]
    return {name for name, weight in named if not np.array_equal(before[id(weight)], weight)}


def test_inside_pretrained_weights_the_last_blocks_convolutions_learn_and_no_batch_normalisation(
    pretrained: Source,
) -> None:
    changed = changed_by_a_step(pretrained, 1)
    assert {name.split("/")[0] for name in changed} == {f"conv5_block3_{number}_conv" for number in (1, 2, 3)}


def test_of_random_weights_the_last_blocks_batch_normalisation_learns_too_and_no_other() -> None:
    changed = changed_by_a_step(find_image_source("random"), 1)
    layers = {name.split("/")[0] for name in changed}
    assert {f"conv5_block3_{number}_{kind}" for number in (1, 2, 3) for kind in ("conv", "bn")} == layers
    assert {"conv5_block3_1_bn/moving_mean", "conv5_block3_3_bn/beta"} <= changed


def test_pretrained_averages_are_used_while_all_blocks_are_trained(pretrained: Source) -> None:
    encoder, _ = learner(pretrained, 99)
    learns = {layer.name for layer in body_of(encoder).layers if layer.trainable and layer.weights}
    assert {"conv2_block1_1_conv", "conv5_block3_3_conv"} <= learns
    assert not any(name.endswith("_bn") for name in learns)
    assert "conv1_conv" not in learns  # the first convolution belongs to no block
    training, judged = (np.asarray(encoder({"images": PHOTOS}, training=it)) for it in (True, False))
    np.testing.assert_array_equal(training, judged)
