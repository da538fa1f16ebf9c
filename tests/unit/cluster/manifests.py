"""What would be sent to a cluster: every overlay as `kubectl kustomize` renders it, and the values of the chart."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

Document = dict[str, Any]
FOLDER = ROOT / "docker" / "kubernetes"
ENVIRONMENTS = ("preprod", "prod")
STEPS = ("foundation", "migration", "accounts", "services")
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed: nothing rendered")


@functools.cache
def rendered(environment: str, step: str) -> tuple[Document, ...]:
    """The documents of one step of an environment's rollout."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / "overlays" / environment / step)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def everything(environment: str) -> list[Document]:
    """The documents of all its steps."""
    return [document for step in STEPS for document in rendered(environment, step)]


def written() -> Iterator[tuple[Path, Document]]:
    """Every document as it lies in the repository."""
    for path in sorted(FOLDER.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path, document


def chart_values(environment: str) -> Document:
    """The values that Airflow's chart gets, as Helm puts files together."""
    folder = FOLDER / "airflow"
    first, second = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        for name in ("values.yaml", f"values-{environment}.yaml")
    )
    return merged(first, second)


def merged(under: Document, over: Document) -> Document:
    """Maps key by key, everything else replaced."""
    both = {key: merged(under[key], over[key]) for key in under.keys() & over.keys() if isinstance(over[key], dict)}
    return under | over | both


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    """Those documents."""
    return [document for document in documents if document["kind"] in kinds]


def pods(documents: list[Document]) -> dict[str, Document]:
    """Name → pod template of whatever starts pods."""
    return {
        document["metadata"]["name"]: document["spec"]["template"]
        for document in of_kind(documents, "Deployment", "Job")
    }


def airflow_pods() -> dict[str, dict[str, str]]:
    """Name → labels of the pods that Airflow's chart starts with these values."""
    parts = ("api-server", "scheduler", "dag-processor", "triggerer", "run-airflow-migrations")
    return {f"airflow-{part}": {"tier": "airflow", "component": part, "release": "airflow"} for part in parts}
