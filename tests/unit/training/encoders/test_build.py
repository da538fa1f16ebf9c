import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.registry.packages import CorruptPackage, Package, open_package, write_package
from core.settings import ModelSettings
from inference.encoders import EncoderPool, ImageEncoder, TextEncoder
from inference.golden import GoldenMismatch
from tests.toys.bert import TINY, make_tensors, mean_states, write_folder
from training.encoders import build_text_encoder

MAX_TOKENS = 20
TEXTS = ["livre bleu", "", "jeux rouges bleus", "z " * 40, "a", "livre bleu", *("b c d " * n for n in range(12))]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Package]:
    """A packages folder holding one tiny text encoder."""
    folder = write_folder(tmp_path_factory.mktemp("huggingface"))
    root = tmp_path_factory.mktemp("packages")
    return root, build_text_encoder(ModelSettings(text_encoder=str(folder)), root, max_tokens=MAX_TOKENS)


def _rewrite(root: Path, package: Package, **changes: np.ndarray) -> Package:
    """The same identity in another folder, with derived files of the caller's."""

    def derived(folder: Path) -> None:
        shutil.copytree(package.path / "openvino", folder / "openvino")
        np.savez(folder / "golden.npz", **dict(np.load(package.path / "golden.npz")) | changes)

    return write_package(
        root,
        kind=package.kind,
        spec=package.spec,
        arrays=package.arrays(),
        identity_files={"tokenizer.json": (package.path / "tokenizer.json").read_bytes()},
        derived=derived,
    )


def test_features_are_the_mean_state_of_the_real_tokens(tiny: tuple[Path, Package]) -> None:
    features = TextEncoder.open(tiny[1]).features(["livre bleu"])
    reference = mean_states(make_tensors(TINY), TINY, [2, 30, 32, 3])
    assert (features.shape, features.dtype) == ((1, 16), np.float16)
    assert np.abs(features[0] - reference).max() < 2e-3  # float16


def test_a_long_text_keeps_its_head_and_its_tail(tiny: tuple[Path, Package]) -> None:
    encoder = TextEncoder.open(tiny[1])
    words = "a b c d e f g h i j k l m n x x x x x p q r s"
    kept = [2, *range(4, 18), *range(19, 23), 3]  # [CLS] and a … n, then p … s and [SEP]
    assert len(kept) == MAX_TOKENS
    reference = mean_states(make_tensors(TINY), TINY, kept)
    assert np.abs(encoder.features([words])[0] - reference).max() < 2e-3


def test_a_text_has_the_same_features_among_any_others_and_in_any_order(tiny: tuple[Path, Package]) -> None:
    encoder = TextEncoder.open(tiny[1])
    together = encoder.features(TEXTS)
    alone = np.concatenate([encoder.features([text]) for text in TEXTS])
    np.testing.assert_allclose(together.astype(np.float32), alone.astype(np.float32), atol=2e-3)
    np.testing.assert_array_equal(together[0], together[5])
    assert encoder.features([]).shape == (0, 16)


def test_threads_share_an_encoder(tiny: tuple[Path, Package]) -> None:
    encoder = EncoderPool(tiny[0], threads=1).text(tiny[1].sha)
    expected = [encoder.features([text]) for text in TEXTS]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            for got, wanted in zip(threads.map(lambda text: encoder.features([text]), TEXTS), expected, strict=True):
                np.testing.assert_array_equal(got, wanted)


def test_a_pool_opens_an_encoder_once(tiny: tuple[Path, Package]) -> None:
    pool = EncoderPool(tiny[0])
    assert pool.text(tiny[1].sha) is pool.text(tiny[1].sha)


def test_the_package_says_what_was_loaded_and_holds_exactly_that(tiny: tuple[Path, Package]) -> None:
    package = open_package(tiny[0], tiny[1].sha)
    assert package.kind == "text-encoder"
    assert package.spec["width"] == 16
    assert package.spec["preprocessing"]["max_tokens"] == MAX_TOKENS
    assert package.spec["source"]["licence"] == "not stated beside the weights"
    assert "pretrained weights" in (package.path / "model_card.md").read_text()
    np.testing.assert_array_equal(
        package.arrays()["encoder.layer.0.output.dense.weight"],
        make_tensors(TINY)["encoder.layer.0.output.dense.weight"],
    )


def test_building_again_finds_the_package_and_does_not_import_tensorflow(
    tiny: tuple[Path, Package], tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from core.settings import ModelSettings; "
        "from training.encoders import build_text_encoder; "
        "settings = ModelSettings(text_encoder=sys.argv[1]); "
        f"package = build_text_encoder(settings, Path(sys.argv[2]), max_tokens={MAX_TOKENS}); "
        "assert 'tensorflow' not in sys.modules; print(package.sha)"
    )
    folder = write_folder(tmp_path / "the same weights elsewhere")
    command = [sys.executable, "-c", program, str(folder), str(tiny[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == tiny[1].sha


def test_other_weights_or_another_token_limit_make_another_package(tiny: tuple[Path, Package], tmp_path: Path) -> None:
    same = write_folder(tmp_path / "same")
    other = write_folder(tmp_path / "other", tensors=make_tensors(TINY, seed=1))
    shas = {
        tiny[1].sha,
        build_text_encoder(ModelSettings(text_encoder=str(same)), tiny[0], max_tokens=16).sha,
        build_text_encoder(ModelSettings(text_encoder=str(other)), tiny[0], max_tokens=MAX_TOKENS).sha,
    }
    assert len(shas) == 3


def test_what_was_loaded_is_in_the_log(
    tiny: tuple[Path, Package], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path)
    with caplog.at_level(logging.INFO, logger="training.encoders.build"):
        build_text_encoder(ModelSettings(text_encoder=str(folder)), tiny[0], max_tokens=MAX_TOKENS)
    record = next(record for record in caplog.records if record.message == "encoder.ready")
    assert vars(record)["sha"] == tiny[1].sha
    assert vars(record)["loaded"].startswith("pretrained weights of bert ")


def test_a_package_whose_golden_answers_differ_is_not_opened(tiny: tuple[Path, Package], tmp_path: Path) -> None:
    features = np.load(tiny[1].path / "golden.npz")["features"]
    poisoned = _rewrite(tmp_path, tiny[1], features=features + 0.05)
    with pytest.raises(GoldenMismatch) as caught:
        TextEncoder.open(poisoned)
    assert caught.value.code == "package.golden_mismatch"
    TextEncoder.open(_rewrite(tmp_path / "sound", tiny[1]))


def test_a_text_encoder_is_not_opened_as_an_image_encoder(tiny: tuple[Path, Package]) -> None:
    with pytest.raises(CorruptPackage, match=r"must be of kind image-encoder\. Received: text-encoder"):
        ImageEncoder.open(tiny[1])
