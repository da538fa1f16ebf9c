import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.registry.packages import CorruptPackage, MissingPackage, Package, open_package, write_package


def _write(root: Path, **changes: Any) -> Package:
    content: dict[str, Any] = {
        "kind": "model",
        "spec": {"codes": [10, 40], "temperature": 1.5, "name": "été"},
        "arrays": {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(2)},
        "identity_files": {"tokenizer.json": b"{}"},
        "extra_files": {"model_card.md": b"# Card"},
        "derived": lambda folder: _export(folder, b"graph"),
    }
    return write_package(root, **{**content, **changes})


def _export(folder: Path, data: bytes) -> None:
    (folder / "openvino").mkdir()
    (folder / "openvino" / "model.bin").write_bytes(data)


def _write_elsewhere(root: str) -> str:
    return _write(Path(root)).sha


def test_a_package_is_read_back_as_written(tmp_path: Path) -> None:
    sha = _write(tmp_path).sha
    package = open_package(tmp_path, sha)
    assert (package.sha, package.kind, package.path) == (sha, "model", tmp_path / sha)
    assert package.spec == {"codes": [10, 40], "temperature": 1.5, "name": "été"}
    arrays = package.arrays()
    np.testing.assert_array_equal(arrays["weights"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert arrays["bias"].dtype == np.float64
    assert package.file("openvino/model.bin").read_bytes() == b"graph"
    assert package.file("model_card.md").read_bytes() == b"# Card"
    assert [path.name for path in tmp_path.iterdir()] == [sha]


def test_the_same_identity_has_the_same_sha_in_any_folder(tmp_path: Path) -> None:
    here = _write(tmp_path / "here")
    there = _write(
        tmp_path / "there",
        spec={"name": "été", "temperature": 1.5, "codes": [10, 40]},
        arrays={"bias": np.ones(2), "weights": np.arange(6, dtype=np.float32).reshape(3, 2, order="F").T.copy()}
        | {"weights": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))},
        extra_files={"model_card.md": b"another card"},
        derived=lambda folder: _export(folder, b"another export"),
    )
    assert here.sha == there.sha


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "text-encoder"},
        {"spec": {"codes": [10, 50]}},
        {"arrays": {"weights": np.arange(6, dtype=np.float32).reshape(3, 2)}},
        {"identity_files": {"tokenizer.json": b"{ }"}},
    ],
)
def test_another_identity_has_another_sha(tmp_path: Path, change: dict[str, Any]) -> None:
    assert _write(tmp_path, **change).sha != _write(tmp_path).sha


def test_writing_again_returns_the_package_without_exporting_again(tmp_path: Path) -> None:
    first = _write(tmp_path)
    again = _write(tmp_path, derived=lambda folder: pytest.fail("exported again"))
    assert again == first


def test_concurrent_writers_of_one_package_are_harmless(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        shas = pool.map(_write_elsewhere, [str(tmp_path)] * 6)
    assert len(set(shas)) == 1
    assert [path.name for path in tmp_path.glob("[!.]*")] == shas[:1]


def test_a_writer_that_loses_the_race_returns_the_winner(tmp_path: Path) -> None:
    def derived(folder: Path) -> None:
        _write(tmp_path)
        _export(folder, b"the loser's")

    assert _write(tmp_path, derived=derived).file("openvino/model.bin").read_bytes() == b"graph"


def test_a_failed_export_leaves_no_package(tmp_path: Path) -> None:
    def derived(folder: Path) -> None:
        raise RuntimeError("export failed")

    with pytest.raises(RuntimeError, match="export failed"):
        _write(tmp_path, derived=derived)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_to_flush_leaves_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError("flush failed")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="flush failed"):
        _write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sha", ["0" * 64, "..", "", "../" + "0" * 61, "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_package_that_is_not_there_is_missing(tmp_path: Path, sha: str) -> None:
    _write(tmp_path)
    with pytest.raises(MissingPackage) as caught:
        open_package(tmp_path, sha)
    assert caught.value.code == "package.missing"


@pytest.mark.parametrize(
    "name", ["spec.json", "arrays.safetensors", "tokenizer.json", "model_card.md", "openvino/model.bin"]
)
@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_a_changed_or_missing_file_is_named_and_refused(tmp_path: Path, name: str, damage: str) -> None:
    package = _write(tmp_path)
    path = package.path / name
    if damage == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    else:
        path.unlink()
    with pytest.raises(CorruptPackage, match=name) as caught:
        open_package(tmp_path, package.sha)
    assert caught.value.code == "package.corrupt"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"files": 3}', b"\xff"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    package = _write(tmp_path)
    (package.path / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptPackage):
        open_package(tmp_path, package.sha)


def test_a_manifest_made_to_fit_other_weights_is_refused(tmp_path: Path) -> None:
    package = _write(tmp_path)
    other = _write(tmp_path, arrays={"weights": np.zeros(3)})
    manifest = json.loads((other.path / "manifest.json").read_text())
    for name in manifest["files"]:
        (package.path / name).write_bytes((other.path / name).read_bytes())
    manifest["sha"] = package.sha
    (package.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptPackage, match="another sha"):
        open_package(tmp_path, package.sha)


def test_a_manifest_may_not_name_files_outside_its_folder(tmp_path: Path) -> None:
    package = _write(tmp_path)
    manifest = json.loads((package.path / "manifest.json").read_text())
    manifest["files"]["../secret"] = "0" * 64
    (package.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptPackage, match="inside"):
        open_package(tmp_path, package.sha)


def test_writing_over_a_damaged_package_mends_it_and_keeps_the_damaged_one_aside(tmp_path: Path) -> None:
    package = _write(tmp_path)
    (package.path / "spec.json").write_bytes(b"{}")
    assert _write(tmp_path) == package
    assert open_package(tmp_path, package.sha) == package
    assert len([path for path in tmp_path.iterdir() if path.name.startswith(f".{package.sha}")]) == 1


def test_a_file_the_package_was_not_written_with_cannot_be_asked_for(tmp_path: Path) -> None:
    package = _write(tmp_path)
    (package.path / "stray.bin").write_bytes(b"x")
    with pytest.raises(CorruptPackage, match=r"stray\.bin"):
        package.file("stray.bin")


def test_a_spec_that_json_cannot_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        _write(tmp_path, spec={"temperature": float("nan")})
