"""Compiled graphs that are kept between starts, on a toy graph."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from inference.compiled import compile_kept

CONFIG = {"INFERENCE_PRECISION_HINT": "f32"}
HASHES = {"openvino/model.xml": "a" * 64, "openvino/model.bin": "b" * 64}
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def core() -> ov.Core:
    return ov.Core()


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    rows = ops.parameter([-1, 4], np.float32, name="rows")
    path = tmp_path / "model.xml"
    ov.save_model(ov.Model([ops.matmul(rows, ops.constant(WEIGHTS), False, False)], [rows]), path)
    return path


def was_kept(compiled: ov.CompiledModel) -> bool:
    answer = compiled(np.ones((1, 4), np.float32))[0]
    np.testing.assert_allclose(answer, WEIGHTS.sum(axis=0, keepdims=True))
    return bool(compiled.get_property("LOADED_FROM_CACHE"))


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def test_a_second_start_reads_back_what_the_first_compiled(core: ov.Core, xml: Path, tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    compile_kept(core, xml, HASHES, folder, CONFIG)
    (blob,) = entries(folder)[0].glob("*.blob")
    written = blob.stat().st_mtime_ns
    assert was_kept(compile_kept(ov.Core(), xml, HASHES, folder, CONFIG))
    assert blob.stat().st_mtime_ns == written
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("damage", ["torn", "changed", "unsealed", "emptied"])
def test_a_damaged_entry_is_compiled_anew(core: ov.Core, xml: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "compiled"
    compile_kept(core, xml, HASHES, folder, CONFIG)
    (entry,) = entries(folder)
    (blob,) = entry.glob("*.blob")
    sound = blob.read_bytes()
    blob.chmod(0o644)
    if damage == "torn":
        blob.write_bytes(sound[: len(sound) // 2])
    elif damage == "changed":
        blob.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    elif damage == "unsealed":
        (entry / "seal.json").unlink()
    else:
        blob.unlink()
    assert was_kept(compile_kept(ov.Core(), xml, HASHES, folder, CONFIG))
    (mended,) = entry.glob("*.blob")
    written = mended.stat().st_mtime_ns
    assert was_kept(compile_kept(ov.Core(), xml, HASHES, folder, CONFIG))
    assert mended.stat().st_mtime_ns == written


def test_another_graph_and_other_settings_have_entries_of_their_own(core: ov.Core, xml: Path, tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    compile_kept(core, xml, HASHES, folder, CONFIG)
    compile_kept(core, xml, {**HASHES, "openvino/model.bin": "c" * 64}, folder, CONFIG)
    compile_kept(core, xml, HASHES, folder, {**CONFIG, "INFERENCE_NUM_THREADS": 1})
    assert len(entries(folder)) == 3


def test_where_nothing_can_be_kept_the_graph_runs_all_the_same(core: ov.Core, xml: Path, tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    folder.write_text("a file in the way", encoding="utf-8")
    assert not was_kept(compile_kept(core, xml, HASHES, folder, CONFIG))
