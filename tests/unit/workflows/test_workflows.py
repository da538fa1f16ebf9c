"""The workflows of continuous integration: valid, pinned, with no more rights than needed, and true to the Makefile."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def workflow(path: Path) -> dict[str, Any]:
    # PyYAML reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in yaml.safe_load(path.read_text("utf-8")).items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return workflow(path)["jobs"]


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job.get("steps", [])]


def check(schema: str, *files: Path) -> str:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_workflows_are_what_github_understands() -> None:
    assert check("vendor.github-workflows", *WORKFLOWS) == ""


def test_the_updates_are_what_github_understands() -> None:
    assert check("vendor.dependabot", GITHUB / "dependabot.yml") == ""


@each_workflow
def test_nothing_may_write_unless_a_job_says_so(path: Path) -> None:
    assert workflow(path)["permissions"] == {"contents": "read"}
    writers = {
        name
        for name, job in jobs(path).items()
        if any(right == "write" for right in job.get("permissions", {}).values())
    }
    assert writers == ({"images", "release"} if path.name == "release.yml" else set())


@each_workflow
def test_every_job_ends_by_itself(path: Path) -> None:
    assert "concurrency" in workflow(path)
    assert [name for name, job in jobs(path).items() if "uses" not in job and "timeout-minutes" not in job] == []


@each_workflow
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert [one for one in used if not one.startswith("./") and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []


@each_workflow
def test_what_is_checked_out_keeps_no_credentials(path: Path) -> None:
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_workflow
def test_no_script_holds_text_from_outside(path: Path) -> None:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    inside = [expression for script in scripts for expression in re.findall(r"\$\{\{\s*([\w.]+)", script)]
    assert [one for one in inside if not one.startswith("matrix.")] == []


@each_workflow
def test_every_make_target_of_a_step_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z0-9-]+(?: [a-z0-9-]+)*):", makefile, re.MULTILINE)
    targets = {word for line in rules for word in line.split()}
    named = {
        word
        for step in steps(path)
        for line in re.findall(r"make ([a-z0-9 -]+)", step.get("run", ""))
        for word in line.split()
    }
    assert named <= targets


@each_workflow
def test_every_image_of_the_matrix_has_a_dockerfile(path: Path) -> None:
    images = jobs(path)["images"]["strategy"]["matrix"]["image"]
    assert set(images) == {dockerfile.parent.name for dockerfile in ROOT.glob("docker/*/Dockerfile")}


def test_the_tests_run_on_every_database_that_is_promised() -> None:
    found = jobs(GITHUB / "workflows" / "ci.yml")
    servers = found["databases"]["strategy"]["matrix"]["server"]
    assert {server.partition(":")[0] for server in servers} == {"mysql", "mariadb"}
    assert "mysql:8.0" in servers
    assert found["tests"]["env"]["SKIP_MARIADB"] == "1"
    assert found["databases"]["env"]["TEST_DATABASE_URL"].startswith("mysql+pymysql://")


def test_the_python_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = jobs(GITHUB / "workflows" / "ci.yml")["tests"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={versions[0]},<3.{int(versions[-1].split('.')[1]) + 1}"


# --- a release's notes ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release_notes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_notes", GITHUB / "scripts" / "release_notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHANGES = (
    "# Changelog\n\n## Unreleased\n\n## 1.1.0 (2026-12-01)\n\n### Added\n- Much.\n\n## 1.0.0 (2026-11-01)\n\n- All.\n"
)


def test_the_notes_of_a_release_are_its_section_of_the_changelog(release_notes: ModuleType) -> None:
    assert release_notes.notes("1.1.0", CHANGES) == "### Added\n- Much.\n"
    assert release_notes.notes("1.0.0", CHANGES) == "- All.\n"


@pytest.mark.parametrize("version", ["1.1", "2.0.0", "Unreleased"])
def test_a_version_that_nobody_described_has_none(release_notes: ModuleType, version: str) -> None:
    with pytest.raises(ValueError, match="no section"):
        release_notes.notes(version, CHANGES)
