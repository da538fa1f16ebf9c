import hashlib
import json
from pathlib import Path

import pytest

from tests.toys.bert import write_folder
from training.encoders.sources import IMAGE_ARCHITECTURES, BadEncoderSource, find_image_source, find_text_source


def test_the_embedded_encoder_names_its_own_licence_and_its_packages() -> None:
    source = find_text_source("minilm")
    assert "all-MiniLM-L6-v2" in source.name
    assert "Apache-2.0" in source.licence
    assert "MIT" in source.licence


def test_a_folder_is_described_by_content_and_not_by_where_it_lies(tmp_path: Path) -> None:
    here, there = (find_text_source(str(write_folder(tmp_path / name))) for name in ("here", "there"))
    assert here.to_dict() == there.to_dict()
    weights = (tmp_path / "here" / "model.safetensors").read_bytes()
    assert here.files["model.safetensors"] == hashlib.sha256(weights).hexdigest()


def test_a_folder_states_its_name_and_licence_where_it_has_them(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"_name_or_path": "someone/french-bert"})
    (folder / "README.md").write_text("---\nlanguage: fr\nlicense: mit\n---\n")
    source = find_text_source(str(folder))
    assert (source.name, source.licence) == ("someone/french-bert", "weights mit")


def test_a_model_of_the_hub_is_found_by_its_name_and_what_was_downloaded_is_read_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "5f" * 20
    kept = tmp_path / "hub" / "models--someone--french-bert"
    write_folder(kept / "snapshots" / revision)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    source = find_text_source("someone/french-bert")
    assert source.name == "someone/french-bert"
    assert source.files == find_text_source(str(kept / "snapshots" / revision)).files
    with pytest.raises(BadEncoderSource, match="someone/other is no folder here"):
        find_text_source("someone/other")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_without_one_of_its_files_is_refused(tmp_path: Path, missing: str) -> None:
    write_folder(tmp_path)
    (tmp_path / missing).unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(BadEncoderSource, match=missing):
        find_text_source(str(tmp_path))


def test_a_text_encoder_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadEncoderSource, match="camembert-base"):
        find_text_source("camembert-base")


@pytest.mark.parametrize(("setting", "weights"), [("random", "random(20)"), ("imagenet", "imagenet")])
def test_image_weights_say_what_they_are(setting: str, weights: str) -> None:
    source = find_image_source(setting)
    assert source.weights == weights
    assert source.loaded


def test_a_file_of_image_weights_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    path.write_bytes(b"weights")
    assert find_image_source(str(path)).weights == f"file({hashlib.sha256(b'weights').hexdigest()})"


def test_image_weights_that_do_not_exist_are_refused() -> None:
    with pytest.raises(BadEncoderSource, match="Received: 'imagenett'"):
        find_image_source("imagenett")


@pytest.mark.parametrize("architecture", ["xception", "inceptionv3", "vgg16"])
def test_every_image_encoder_loads_what_the_setting_says_for_all(architecture: str) -> None:
    assert find_image_source("imagenet", architecture).weights == "imagenet"
    assert find_image_source("random", architecture).weights == "random(20)"


def test_one_image_encoder_may_load_something_else() -> None:
    setting = "imagenet,xception=random"
    assert find_image_source(setting).weights == "imagenet"
    assert find_image_source(setting, "vgg16").weights == "imagenet"
    assert find_image_source(setting, "xception").weights == "random(20)"


def test_a_file_for_resnet50_is_no_file_for_xception(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    path.write_bytes(b"weights")
    with pytest.raises(BadEncoderSource, match="xception=random"):
        find_image_source(str(path), "xception")
    assert find_image_source(f"random,xception={path}", "xception").weights.startswith("file(")


def test_weights_for_an_unknown_network_are_refused() -> None:
    with pytest.raises(BadEncoderSource, match="Received: 'xcepton'"):
        find_image_source("random,xcepton=imagenet")


def test_encoders_of_equal_weights_but_another_network_have_other_names() -> None:
    assert len({find_image_source("random", one).name for one in IMAGE_ARCHITECTURES}) == len(IMAGE_ARCHITECTURES)


TUNING = {"source": "someone/french-bert", "package": "a" * 64, "licence": "weights mit", "manifest": 7}


def test_weights_that_were_tuned_here_say_from_what(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"_name_or_path": "someone/french-bert"})
    (folder / "finetuned.json").write_text(json.dumps(TUNING))
    source = find_text_source(str(folder))
    assert source.name == "someone/french-bert, fine-tuned on manifest 7"
    assert (source.licence, source.to_dict()["finetuned_from"]) == ("weights mit", "a" * 64)


def test_a_tuned_weights_file_says_so_too(tmp_path: Path) -> None:
    path = tmp_path / "resnet50.weights.h5"
    path.write_bytes(b"weights")
    (tmp_path / "finetuned.json").write_text(json.dumps({**TUNING, "source": "ResNet50, ImageNet"}))
    source = find_image_source(str(path))
    assert source.loaded == "weights fine-tuned from ResNet50, ImageNet on manifest 7"
    assert source.weights == f"file({hashlib.sha256(b'weights').hexdigest()})"


def test_weights_that_nobody_tuned_here_have_no_such_origin(tmp_path: Path) -> None:
    assert "finetuned_from" not in find_text_source(str(write_folder(tmp_path))).to_dict()
