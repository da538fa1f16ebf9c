"""supervisord: restarts what dies, rotates its logs, and stops whole process groups."""

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from local import processes
from local.programs import Program
from local.state import PROJECT, State

_LONGEST_SOCKET_PATH = 90  # bytes; the kernel takes 108, and supervisord first binds a longer temporary name
_ANSWER_S = 20.0
_LONGEST_STOP_S = 45.0  # the service answers whom it let in for up to 22 seconds
_MIB = "MB"


class SupervisorFailed(RuntimeError):
    """supervisord did not start; its log says why.

    Attributes:
        log: its log file.
    """

    def __init__(self, log: Path) -> None:
        super().__init__(f"the supervisor did not start; see {log}")
        self.log = log


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What the supervisor knows of a program: RUNNING, STARTING, BACKOFF, STOPPED, EXITED or FATAL; pid 0 if none."""

    name: str
    state: str
    pid: int
    since_s: int


class Supervisor:
    """The supervisor of one state, running or not."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.log = state.logs / "supervisord.log"
        self._config = state.run / "supervisord.conf"
        self._pidfile = state.run / "supervisord.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, programs: Sequence[Program], environment: Mapping[str, str], *, grace_s: int = 25) -> None:
        """Start supervisord, which starts ``programs`` with ``environment``.

        Args:
            programs: what to supervise.
            environment: of every program.
            grace_s: seconds that a program gets to end when it is stopped, before it is killed.

        Raises:
            SupervisorFailed: it ends, or does not answer.
        """
        socket = socket_path(self._state)
        self._config.write_text(config_text(self._state, socket, programs, grace_s), encoding="utf-8")
        with (self._state.logs / "supervisord.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self._config)],
                env=dict(environment),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C in this terminal is ours to answer, not theirs
            )
        deadline = time.monotonic() + _ANSWER_S
        while not self.is_running():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SupervisorFailed(self.log)
            time.sleep(0.1)

    def is_running(self) -> bool:
        """Whether supervisord answers."""
        return self._ask("getState") is not None

    def programs(self) -> list[ProgramState]:
        """The state of every program; empty when supervisord is not running."""
        return [
            ProgramState(info["name"], info["statename"], info["pid"], max(0, info["now"] - info["start"]))
            for info in self._ask("getAllProcessInfo") or []
        ]

    def start_program(self, name: str) -> None:
        """Start a program that does not start alone; it is supervised from then on."""
        self._ask("startProcess", name, False)

    def stop(self) -> list[int]:
        """Stop every process of the state, supervised or not; returns the ids of those that would not go."""
        supervisor = self._pid()
        if supervisor is not None and self._ask("shutdown") is not None:
            processes.wait_until_gone([supervisor], _LONGEST_STOP_S)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        # Nothing restarts what is ended from here on: the supervisor goes first, then what it leaves behind.
        if supervisor is not None and processes.is_alive(supervisor):
            processes.end([supervisor])
        for _ in range(3):  # what was being started while the others were ended shows up in the next round
            processes.end(processes.marked(self._state.root))
        if self._process is not None:
            self._process.wait()
        self._pidfile.unlink(missing_ok=True)
        return processes.marked(self._state.root)

    def _pid(self) -> int | None:
        return self._ask("getPID")

    def _ask(self, method: str, *arguments: Any) -> Any:
        """The answer of ``method``, or None when nobody answers."""
        path = socket_path(self._state)
        if not path.exists():
            return None
        transport = SupervisorTransport(None, None, f"unix://{path}")
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, xmlrpc.client.Error):
            return None
        finally:
            transport.close()


def socket_path(state: State) -> Path:
    """Where supervisord listens: in the state, or in a private temporary folder when that path is too long.

    Raises:
        PermissionError: somebody else owns the temporary folder of that name.
    """
    path = state.run / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(state.root)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"etalon-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise PermissionError(f"{folder} must belong to this user alone")
    return folder / "s.sock"


def config_text(state: State, socket: Path, programs: Sequence[Program], grace_s: int) -> str:
    """The configuration of supervisord: no network, private files, everything restarted, groups stopped whole."""
    sections = [
        _section("unix_http_server", file=socket, chmod="0600"),
        _section(
            "supervisord",
            directory=PROJECT,
            logfile=state.logs / "supervisord.log",
            logfile_maxbytes=f"2{_MIB}",
            logfile_backups=1,
            pidfile=state.run / "supervisord.pid",
            childlogdir=state.logs,
            umask="077",
            silent="true",
        ),
        _section(
            "rpcinterface:supervisor",
            **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    sections += [_program_section(state, program, grace_s) for program in programs]
    return "\n".join(sections)


def _program_section(state: State, program: Program, grace_s: int) -> str:
    return _section(
        f"program:{program.name}",
        command=shlex.join([sys.executable, "-m", "local.launch", program.name, program.after, *program.command]),
        directory=PROJECT,
        priority=1,  # the same for all: programs of different priorities would be stopped one after another
        autostart=str(program.starts_alone).lower(),
        autorestart="true",
        startsecs=2,
        startretries=30,
        stopwaitsecs=grace_s,
        stopasgroup="true",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=state.logs / f"{program.name}.log",
        stdout_logfile_maxbytes=f"5{_MIB}",
        stdout_logfile_backups=2,
    )


def _section(name: str, **options: Any) -> str:
    lines = [f"[{name}]", *(f"{key} = {str(value).replace('%', '%%')}" for key, value in options.items())]
    return "\n".join(lines) + "\n"
