"""The real encoders: MiniLM against a plain numpy BERT, ResNet50 against Keras's own preprocessing and network."""

import json
import logging
from pathlib import Path

import keras
import numpy as np
import pytest

from core.registry.packages import Package
from core.settings import ModelSettings
from inference.encoders import GRAPH, EncoderPool
from inference.openvino_graph import OpenVinoGraph
from inference.tokens import TokenReader, pad
from preprocessing.images import sanitise, to_tensor
from preprocessing.text import compose
from tests.toys.bert import mean_states
from training.encoders import build_image_encoder, build_text_encoder
from training.encoders.images import body_of, build_network, read_arrays
from training.encoders.sources import RANDOM_SEED, find_image_source, find_text_source

FRENCH = [
    compose("Console de jeux vid&eacute;o portable", "Édition limitée, <b>boîte d'origine</b>"),
    compose("Lot de 3 coussins d'extérieur bleus 40 x 40 cm", None),
    compose("NA", None),
    compose("Roman", "Une île, un secret, beaucoup de pluie. " * 20 + "Tome 2"),
]


@pytest.fixture(scope="module")
def packages_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def text_package(packages_root: Path) -> Package:
    return build_text_encoder(ModelSettings(), packages_root)


@pytest.fixture(scope="module")
def image_package(packages_root: Path) -> Package:
    return build_image_encoder(ModelSettings(), packages_root)


@pytest.fixture(scope="module")
def photos(real_products: Path) -> np.ndarray:
    paths = sorted((real_products / "images" / "image_train").iterdir())[:6]
    uploads = (path.read_bytes() for path in paths)
    return np.stack([to_tensor(sanitise(data, max_bytes=10**7, max_pixels=10**7).data) for data in uploads])


def test_minilm_computes_what_plain_numpy_computes_on_french_text(packages_root: Path, text_package: Package) -> None:
    config = json.loads((find_text_source("minilm").path / "config.json").read_bytes())
    rows = TokenReader(text_package.file("tokenizer.json").read_bytes(), max_tokens=64).read(FRENCH)
    assert [len(row) for row in rows][-1] == 64
    reference = np.stack([mean_states(text_package.arrays(), config, row.tolist()) for row in rows])

    ids, mask = pad(rows, 64)
    states = OpenVinoGraph.open(text_package.file(GRAPH)).run(ids=ids, mask=mask)
    assert np.abs(states - reference).max() < 1e-4
    features = EncoderPool(packages_root).text(text_package.sha).features(FRENCH)
    assert np.abs(features - reference).max() < 2e-3  # float16
    assert (features.shape, features.dtype) == ((4, 384), np.float16)


def test_minilm_reads_accents_as_letters(text_package: Package) -> None:
    reader = TokenReader(text_package.file("tokenizer.json").read_bytes(), max_tokens=64)
    accented, plain = reader.read(["Été à la plage", "ete a la plage"])
    np.testing.assert_array_equal(accented, plain)


def test_resnet50_computes_what_keras_computes_on_real_photos(
    packages_root: Path, image_package: Package, photos: np.ndarray
) -> None:
    keras.utils.set_random_seed(RANDOM_SEED)
    network = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(224, 224, 3), pooling="avg")
    centred = keras.applications.resnet50.preprocess_input(photos.astype(np.float32))
    reference = np.asarray(network(centred, training=False))

    maps = OpenVinoGraph.open(image_package.file(GRAPH)).run(images=photos)
    assert np.abs(maps - reference).max() < 1e-3
    features = EncoderPool(packages_root).image(image_package.sha).features(photos)
    assert (features.shape, features.dtype) == ((len(photos), 2048), np.float16)
    assert np.isfinite(features).all()
    assert np.abs(features - reference).max() <= 2**-11 * np.abs(reference).max()  # float16


def test_random_features_still_tell_photos_apart(
    packages_root: Path, image_package: Package, photos: np.ndarray
) -> None:
    features = EncoderPool(packages_root).image(image_package.sha).features(photos).astype(np.float64)
    assert (features > 0).mean() > 0.5
    apart = np.linalg.norm(features[:, None] - features[None], axis=-1)[np.triu_indices(len(photos), 1)]
    assert apart.min() > 1.0


def test_a_warm_run_finds_both_encoders(
    packages_root: Path, text_package: Package, image_package: Package, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="training.encoders.build"):
        found = {
            build_text_encoder(ModelSettings(), packages_root).sha,
            build_image_encoder(ModelSettings(), packages_root).sha,
        }
    assert found == {text_package.sha, image_package.sha}
    assert [vars(record)["built"] for record in caplog.records] == [False, False]


def test_the_packages_state_their_weights_and_licences(text_package: Package, image_package: Package) -> None:
    assert "Apache-2.0" in text_package.spec["source"]["licence"]
    assert "MIT" in text_package.spec["source"]["licence"]
    assert image_package.spec["weights"] == f"random({RANDOM_SEED})"
    assert "nothing pretrained" in image_package.spec["source"]["loaded"]


# VGG16 and InceptionV3 take the same path; of the three, Xception has the layers that differ most from ResNet50's.
@pytest.mark.parametrize("architecture", ["xception"])
def test_another_network_computes_what_keras_computes(
    tmp_path: Path, architecture: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="training.encoders.build"):
        package = build_image_encoder(ModelSettings(), tmp_path, architecture)
    network = build_network(architecture, find_image_source("random", architecture))
    arrays = read_arrays(network)
    assert arrays.keys() == package.arrays().keys()
    for name, array in package.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])

    images = np.random.default_rng(3).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    images[1, 50:150, 80:] = (200, 30, 60)
    body, kin = body_of(network), getattr(keras.applications, _MODULES[architecture])
    reference = np.asarray(body(kin.preprocess_input(images.astype(np.float32)), training=False))
    features = EncoderPool(tmp_path).image(package.sha).features(images).astype(np.float32)
    assert np.abs(features - reference).max() <= 2**-10 * np.abs(reference).max()
    assert np.abs(features[0] - features[1]).max() > 0.01 * np.abs(reference).max()
    assert package.spec["architecture"] == architecture
    assert "nothing pretrained" in (package.path / "model_card.md").read_text()


_MODULES = {"xception": "xception", "inceptionv3": "inception_v3", "vgg16": "vgg16"}
