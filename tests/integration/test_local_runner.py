"""The supervisor with trivial programs: started, restarted, stopped whole."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local import processes
from local.processes import MARK
from local.programs import Program
from local.state import PROJECT, State
from local.supervisor import Supervisor, socket_path

# A program that starts a child in a session of its own, as Airflow's tasks do, and then sleeps.
PARENT = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True);"
    "print('child', child.pid, flush=True);"
    "time.sleep(600)"
)


def python(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.05)


def environment_of(state: State) -> dict[str, str]:
    return dict(os.environ) | {MARK: str(state.root), "PYTHONPATH": str(PROJECT)}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.at(tmp_path / "a state")


@pytest.fixture
def start(state: State) -> Iterator[Callable[..., Supervisor]]:
    supervisor = Supervisor(state)

    def _start(*programs: Program) -> Supervisor:
        supervisor.start(programs, environment_of(state))
        wait_for(lambda: all(program.state == "RUNNING" for program in supervisor.programs()))
        return supervisor

    yield _start
    supervisor.stop()


def pid_of(supervisor: Supervisor, name: str) -> int:
    return next(program.pid for program in supervisor.programs() if program.name == name)


def test_a_killed_program_is_started_again(start: Callable[..., Supervisor]) -> None:
    supervisor = start(python("sleeper", "import time; time.sleep(600)"))
    killed = pid_of(supervisor, "sleeper")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: pid_of(supervisor, "sleeper") not in (0, killed))


def test_children_of_a_killed_program_are_ended_before_it_starts_again(
    state: State, start: Callable[..., Supervisor]
) -> None:
    supervisor = start(python("parent", PARENT))
    wait_for(lambda: len(processes.marked(state.root, "parent")) == 2)
    before = set(processes.marked(state.root, "parent"))
    os.kill(pid_of(supervisor, "parent"), signal.SIGKILL)
    wait_for(
        lambda: len(processes.marked(state.root, "parent")) == 2 and not before & set(processes.marked(state.root))
    )


def test_stopping_leaves_no_process_even_in_sessions_of_their_own(
    state: State, start: Callable[..., Supervisor]
) -> None:
    supervisor = start(python("parent", PARENT), python("sleeper", "import time; time.sleep(600)"))
    wait_for(lambda: len(processes.marked(state.root)) == 4)  # supervisor, parent, its child, sleeper
    assert supervisor.stop() == []
    assert processes.marked(state.root) == []
    assert not supervisor.is_running()


def test_stopping_ends_what_a_killed_supervisor_left_behind(state: State, start: Callable[..., Supervisor]) -> None:
    supervisor = start(python("parent", PARENT))
    wait_for(lambda: len(processes.marked(state.root)) == 3)
    pid = int((state.run / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes.is_alive(pid))
    assert len(processes.marked(state.root)) == 2
    assert supervisor.stop() == []


def test_a_program_that_ignores_the_request_to_end_is_killed(state: State) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", deaf], env=environment_of(state), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert processes.end(processes.marked(state.root), grace_s=0.2) == []


def test_a_program_that_does_not_start_alone_starts_when_asked(start: Callable[..., Supervisor], state: State) -> None:
    supervisor = Supervisor(state)
    late = Program("late", (sys.executable, "-c", "import time; time.sleep(600)"), starts_alone=False)
    supervisor.start([late], environment_of(state))
    try:
        assert [program.state for program in supervisor.programs()] == ["STOPPED"]
        supervisor.start_program("late")
        wait_for(lambda: supervisor.programs()[0].state == "RUNNING")
    finally:
        supervisor.stop()


def test_a_program_waits_for_the_one_it_needs(state: State, start: Callable[..., Supervisor]) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()

        def log_message(self, *line: object) -> None:
            """Say nothing."""

    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = reserved.getsockname()
    needed = f"http://127.0.0.1:{address[1]}/"
    supervisor = start(Program("waiter", (sys.executable, "-c", "import time; time.sleep(600)"), after=needed))
    assert processes.marked(state.root, "waiter") == []
    with HTTPServer(address, Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        wait_for(lambda: processes.marked(state.root, "waiter") == [pid_of(supervisor, "waiter")])
        server.shutdown()


def test_the_control_socket_is_private(state: State, start: Callable[..., Supervisor]) -> None:
    start(python("sleeper", "import time; time.sleep(600)"))
    path = socket_path(state)
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_output_goes_to_a_file_of_the_programs_name(state: State, start: Callable[..., Supervisor]) -> None:
    start(python("speaker", "import time; print('bonjour', flush=True); time.sleep(600)"))
    wait_for(lambda: "bonjour" in (state.logs / "speaker.log").read_text())


def test_memory_is_measured_over_all_marked_processes(state: State, start: Callable[..., Supervisor]) -> None:
    start(python("sleeper", "import time; time.sleep(600)"))
    assert processes.memory_bytes(processes.marked(state.root)) > 2**20
