"""The Dockerfiles, and the locks that they install."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.containers.context import files, is_sent
from tests.containers.dockerfile import read_dockerfile

DOCKERFILES = sorted(ROOT.glob("docker/*/Dockerfile"))
LOCKS = sorted(ROOT.glob("docker/*/requirements.lock"))
dockerfiles = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
locks = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)


def _pins(path: Path) -> dict[str, set[str]]:
    """Name to everything that is said of it: versions, markers and hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    pins: dict[str, set[str]] = {}
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition("==")
        pins.setdefault(name, set()).add(" ".join(rest.split()))
    return pins


def _versions(pins: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: {line.split()[0] for line in lines} for name, lines in pins.items()}


def _hashes(lines: set[str]) -> set[str]:
    return set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", " ".join(lines)))


@dockerfiles
def test_hadolint_finds_nothing(path: Path) -> None:
    tool = ROOT / ".venv/bin/hadolint"
    if not tool.exists():
        pytest.skip("hadolint is not to be had for this platform")
    done = subprocess.run([tool, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@dockerfiles
def test_an_image_runs_as_a_numbered_user_who_is_not_root(path: Path) -> None:
    user = read_dockerfile(path)[-1].last("USER")
    assert user is not None
    assert user.rest == "10001:10001"


@dockerfiles
def test_an_image_starts_a_program_and_no_shell(path: Path) -> None:
    last = read_dockerfile(path)[-1]
    assert last.command()[0] in {"python", "airflow", "mlflow"}
    assert last.environment().keys().isdisjoint({"AUTH_KEY", "DB_URL", "LOOP_AIRFLOW_PASSWORD"})


@dockerfiles
def test_every_image_has_one_base_and_copies_what_there_is(path: Path) -> None:
    stages = read_dockerfile(path)
    assert {stage.base for stage in stages} == {"python:3.11.14-slim-bookworm"}
    copied = [step for stage in stages for step in stage.steps if step.word == "COPY" and "from" not in step.options]
    assert all(files(source) for step in copied for source in step.rest.split()[:-1])


def test_the_context_holds_neither_secrets_nor_state_nor_tests() -> None:
    left_out = (".env", "data/var/up/secrets/auth.key", ".git/config", "tests/conftest.py", "docs/health.md", "bench/x")
    assert [path for path in left_out if is_sent(path)] == []
    assert not is_sent("core/__pycache__/errors.cpython-311.pyc")
    assert is_sent("core/db/migrations/versions/0001_schema.py")


@locks
def test_the_pins_of_an_image_are_those_of_the_lock(lock: Path) -> None:
    ours, all_of_it = _pins(lock), _pins(ROOT / "requirements.lock")
    shared = ours.keys() & all_of_it.keys()
    assert len(shared) > 40
    versions, wanted = _versions(ours), _versions(all_of_it)
    assert [name for name in shared if not versions[name] <= wanted[name]] == []
    assert [name for name in shared if not _hashes(ours[name]) <= _hashes(all_of_it[name])] == []
    assert [name for name, lines in ours.items() if not _hashes(lines)] == []


@locks
def test_a_lock_names_no_host(lock: Path) -> None:
    assert re.findall(r"https?://|--index-url|--find-links|file:", lock.read_text(encoding="utf-8")) == []


def test_what_only_an_image_needs_has_one_version_in_all_of_them() -> None:
    project = _pins(ROOT / "requirements.lock").keys()
    found: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, versions in _versions(_pins(lock)).items():
            if name not in project:
                found.setdefault(name, set()).update(versions)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


def test_the_service_carries_no_orchestrator_and_no_training() -> None:
    heavy = {"apache-airflow", "keras", "mlflow", "pandas", "scikit-learn", "tensorflow", "tensorflow-cpu"}
    assert heavy.isdisjoint(_pins(ROOT / "docker/api/requirements.lock"))


def test_the_jobs_image_has_everything_that_the_project_needs() -> None:
    assert _pins(ROOT / "requirements.lock").keys() <= _pins(ROOT / "docker/airflow/requirements.lock").keys()


def test_make_lock_writes_every_lock() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlock:")[2]
    assert [lock.parent.name for lock in LOCKS if lock.parent.name not in recipe] == []
