"""What the documents name exists: make targets, files, settings."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("mlflow/*.md"), *ROOT.glob("data/*.md")]
    if "var" not in path.parts
)
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE))
    assert named <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_job_that_make_starts_is_a_verb_that_exists() -> None:
    jobs = set(re.findall(r"\$\(JOB\) (\S+) (\w+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
    sources = {
        "core.backup": (ROOT / "core/backup/__main__.py").read_text(encoding="utf-8"),
        "training.jobs": (ROOT / "training/jobs/__main__.py").read_text(encoding="utf-8"),
        "preprocessing.ingest": (ROOT / "preprocessing/ingest/__main__.py").read_text(encoding="utf-8"),
    }
    assert jobs
    assert [(module, verb) for module, verb in jobs if f'"{verb}"' not in sources[module]] == []


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in ROOT.glob("docs/*.md") if f"(docs/{path.name})" not in readme] == []


def test_the_readme_names_every_dag() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    files = [path for path in ROOT.glob("dags/*.py") if "\n@dag(" in path.read_text(encoding="utf-8")]
    assert len(files) >= 8
    assert [path.stem for path in files if f"`{path.stem}`" not in readme] == []
