"""What was written elsewhere and ships with us is what its note says."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NOTES = (ROOT / "api/web/static/vendor/vendored.toml", ROOT / "tests/pages/vendor/vendored.toml")
each_note = pytest.mark.parametrize("note", NOTES, ids=lambda note: str(note.relative_to(ROOT)))


def entries(note: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads(note.read_text(encoding="utf-8"))


@each_note
def test_every_vendored_file_has_the_hash_that_its_note_names(note: Path) -> None:
    files = [path for path in note.parent.iterdir() if path.suffix in (".js", ".css")]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert {entry["name"]: entry["sha256"] for entry in entries(note).values()} == found


@each_note
def test_every_vendored_library_comes_with_its_licence(note: Path) -> None:
    missing = {
        entry["package"]
        for entry in entries(note).values()
        if not (note.parent / f"{entry['name'].split('.')[0]}.LICENSE").is_file()
    }
    assert not missing


@each_note
def test_every_vendored_library_says_where_it_is_from(note: Path) -> None:
    assert all({"package", "version", "file", "licence"} <= entry.keys() for entry in entries(note).values())
