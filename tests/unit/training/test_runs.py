"""Run folders and train keys: the same training has the same key, anything that matters changes it."""

from pathlib import Path

import pytest

from training.jobs.runs import Runs, code_version, slug, train_key

FACTS = {
    "manifest_sha256": "a" * 64,
    "code": "b" * 64,
    "config": b"seed = 1\n",
    "encoders": {"text": "c", "image": "d"},
    "taxonomy": "e",
}


def test_the_same_facts_give_the_same_key_in_any_order() -> None:
    assert train_key(**FACTS) == train_key(**FACTS | {"encoders": {"image": "d", "text": "c"}})


@pytest.mark.parametrize(
    "change",
    [
        {"manifest_sha256": "z"},
        {"code": "z"},
        {"config": b"seed = 2\n"},
        {"encoders": {"text": "d", "image": "c"}},
        {"taxonomy": "z"},
        {"model": "lexical"},
        {"warm_start": "f" * 64},
    ],
)
def test_anything_that_decides_a_training_gives_another_key(change: dict[str, object]) -> None:
    assert train_key(**FACTS | change) != train_key(**FACTS)


def test_the_code_version_follows_content_and_names_but_no_caches(tmp_path: Path) -> None:
    for room in ("preprocessing", "inference", "training"):
        (tmp_path / room / "deep").mkdir(parents=True)
        (tmp_path / room / "deep" / "code.py").write_text("x = 1\n")
    before = code_version(tmp_path)
    (tmp_path / "inference" / "__pycache__").mkdir()
    (tmp_path / "inference" / "__pycache__" / "code.pyc").write_bytes(b"\0")
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "code.py").write_text("y = 1\n")
    assert code_version(tmp_path) == before
    (tmp_path / "training" / "deep" / "code.py").write_text("x = 2\n")
    changed = code_version(tmp_path)
    (tmp_path / "training" / "deep" / "code.py").rename(tmp_path / "training" / "deep" / "named.py")
    assert len({before, changed, code_version(tmp_path)}) == 3


@pytest.mark.parametrize("key", ["scheduled__2026-11-21T00:00:00+00:00", "../../etc", "a/b", "é" * 300, ".", ""])
def test_any_run_key_is_a_plain_folder_name(key: str) -> None:
    assert Path(slug(key)).name == slug(key)
    assert len(slug(key)) < 100
    assert not slug(key).startswith(".")


def test_two_run_keys_never_share_a_folder() -> None:
    assert slug("a/b") != slug("a_b")


def test_a_verbs_result_is_read_back_by_the_same_run_only(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    assert runs.result("one", "fit").read() is None
    assert (
        runs.result("one", "fit").write({"package": "é", "seconds": {"fit": 1.5}}) == runs.result("one", "fit").read()
    )
    assert runs.result("two", "fit").read() is None
