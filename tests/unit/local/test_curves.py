"""`local tensorboard`: really started, over curves that are there."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from local.curves import prepare, serve
from local.launch import wait_for_answer
from tests.conftest import ROOT


def test_it_listens_on_loopback_only_and_reads_the_curves_of_the_state() -> None:
    command, port, notices = prepare(Path("state"), {"TENSORBOARD_PORT": "7007"})
    assert command[command.index("--logdir") + 1] == "state/runs/tensorboard"
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert (command[command.index("--port") + 1], port, notices) == ("7007", 7007, [])


def test_a_taken_port_is_named_and_another_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        _, port, (notice,) = prepare(Path("state"), {"TENSORBOARD_PORT": str(taken)})
    assert port > taken
    assert notice == f"port {taken} is taken: TensorBoard listens on {port} (choose another with TENSORBOARD_PORT)"


def test_what_is_no_port_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(tmp_path, {"TENSORBOARD_PORT": "http"}) == 1
    assert "TENSORBOARD_PORT must be a port number" in capsys.readouterr().err


def test_it_prints_its_address_and_answers_there(tmp_path: Path) -> None:
    (tmp_path / "runs" / "tensorboard").mkdir(parents=True)
    command = [sys.executable, "-m", "local", "tensorboard", "--state", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as served:  # fmt: skip
        try:
            line = next(line for line in served.stdout if line.startswith("curves of "))
            address = line.split(": ", 1)[1].split(" ")[0]
            assert wait_for_answer(address, 120.0)
            with urllib.request.urlopen(f"{address}data/logdir", timeout=30.0) as answer:
                assert str(tmp_path) in answer.read().decode()
        finally:
            served.send_signal(signal.SIGTERM)
