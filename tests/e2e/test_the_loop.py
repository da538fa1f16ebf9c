"""The real processes after one turn of the loop: what closed it, and what they do when parts of them die."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import EtalonClient, Prediction, ProblemError
from local.orchestrator import Orchestrator
from local.outcome import live_rows
from local.retraining import DAG, TASKS
from local.supervisor import ProgramState
from local.system import System
from tests.conftest import ROOT

LABEL = "Lot de 3 livres de poche, romans policiers, tr&egrave;s bon &eacute;tat"
READ_AS_FRAME = """
import sys, mlflow, pandas
from pathlib import Path
photo = Path(sys.argv[2]).read_bytes()
frame = pandas.DataFrame({"designation": [sys.argv[1]] * 2, "image": [photo, None]})
print(mlflow.pyfunc.load_model("models:/fusion@champion").predict(frame)["prdtypecode"].tolist())
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def until(holds: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """The first true value of ``holds``; a real process is waited for, at most ``timeout_s`` seconds."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {holds.__name__}"
        time.sleep(0.2)
    return found


def program(system: System, name: str) -> ProgramState:
    return next(program for program in system.supervisor.programs() if program.name == name)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def pending(customer: EtalonClient) -> Prediction:
    return customer.predict(LABEL)


def test_the_gate_moved_the_champion_and_the_next_answer_named_it(report: dict[str, Any]) -> None:
    assert report["promoted"]
    assert report["answered_after"] == report["champion_after"] != report["champion_before"]


def test_every_validated_product_became_one_training_row(report: dict[str, Any]) -> None:
    accepted = sum(count for action, count in report["verdicts"].items() if action.startswith("validate"))
    accepted += report["verdicts"].get("modify", 0)
    assert report["rows_after"] - report["rows_before"] == accepted


def test_the_store_and_the_database_agree_row_by_row(system: System) -> None:
    assert system.job("preprocessing.ingest", "fsck", "--full")["violations"] == 0


def test_the_service_holds_neither_tensorflow_nor_mlflow(system: System) -> None:
    mapped = Path(f"/proc/{program(system, 'api').pid}/maps")
    if not mapped.exists():
        pytest.skip("this system does not show what a process has mapped")
    text = mapped.read_text(encoding="utf-8")
    assert not [name for name in ("tensorflow", "keras", "mlflow") if f"site-packages/{name}/" in text]


def test_mlflow_serves_the_champion_on_raw_text_and_photos(system: System) -> None:
    photo = next((system.state.root / "images").iterdir())
    command = [sys.executable, "-c", READ_AS_FRAME, LABEL, str(photo)]
    ended = subprocess.run(command, env=dict(system.environment), cwd="/", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout.splitlines()[-1])) == 2


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (lambda c, r, p: r.validate(p.id, prdtypecode=999_999), 422, "taxonomy.unknown_code"),
        (lambda c, r, p: r.validate("019ab000-0000-7000-8000-000000000000"), 404, "prediction.not_found"),
        (lambda c, r, p: (r.validate(p.id), r.validate(p.id)), 409, "review.not_pending"),
        (lambda c, r, p: c.predict(LABEL, image=b"a text file named .jpg"), 422, "image.unsupported_format"),
        (lambda c, r, p: c.validate(p.id), 403, "account.role_too_low"),
    ],
    ids=["code outside the taxonomy", "unknown id", "second validation", "text named .jpg", "customer on review"],
)
def test_a_refusal_is_precise(
    customer: EtalonClient, reviewer: EtalonClient, pending: Prediction, ask: Any, status: int, code: str
) -> None:
    with pytest.raises(ProblemError) as refused:
        ask(customer, reviewer, pending)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_verdict_outlives_the_service_that_took_it(
    system: System, customer: EtalonClient, reviewer: EtalonClient, pending: Prediction
) -> None:
    reviewer.validate(pending.id)
    killed = program(system, "api").pid
    os.kill(killed, signal.SIGKILL)
    until(lambda: program(system, "api").pid not in (0, killed) and answers(f"{system.ports.api_url}/readyz"))
    assert customer.prediction(pending.id).status == "validated"


def test_nobody_notices_that_mlflow_is_down(system: System, customer: EtalonClient, reviewer: EtalonClient) -> None:
    os.kill(program(system, "mlflow").pid, signal.SIGSTOP)  # it accepts connections and never answers
    try:
        assert reviewer.validate(customer.predict(LABEL).id).status == "validated"
    finally:
        os.kill(program(system, "mlflow").pid, signal.SIGCONT)


def test_a_killed_process_comes_back(system: System) -> None:
    killed = program(system, "mlflow").pid
    os.kill(killed, signal.SIGKILL)
    until(lambda: program(system, "mlflow").pid not in (0, killed) and answers(f"{system.ports.mlflow_url}/health"))


def test_running_the_dag_again_adds_nothing(
    system: System, orchestrator: Orchestrator, trigger: Callable[[str], str]
) -> None:
    before = live_rows(system.state.root)
    run_id = trigger(DAG)
    run = until(lambda: next((r for r in orchestrator.runs(DAG) if r.run_id == run_id and r.is_over), None), 120)
    assert (run.state, set(run.tasks.values())) == ("success", {"skipped"})
    assert set(run.tasks) == set(TASKS)
    assert live_rows(system.state.root) == before


def test_a_rollback_is_answered_by_the_old_version(
    system: System, customer: EtalonClient, report: dict[str, Any]
) -> None:
    epoch = customer.champion().epoch
    system.job("training.jobs", "rollback", "--reason", "tested")
    until(lambda: customer.champion().epoch == epoch + 1)
    assert customer.predict(LABEL).model.version == report["champion_before"]


def test_the_status_names_every_process_as_well(system: System) -> None:
    command = [sys.executable, "-m", "local", "status", "--state", str(system.state.root)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
