"""Whether the programs answer, and waiting until they do."""

import time
from collections.abc import Callable, Sequence

import httpx

from local.processes import is_alive
from local.programs import Program
from local.supervisor import ProgramState, Supervisor


class NotHealthy(RuntimeError):
    """A program did not become well.

    Attributes:
        program: its name, which is also the name of its log.
    """

    def __init__(self, program: str, why: str) -> None:
        super().__init__(f"{program}: {why}")
        self.program = program


def check(program: Program, timeout_s: float = 3.0) -> str:
    """``ok``, or in a few words what is wrong."""
    try:
        answer = httpx.get(program.health, timeout=timeout_s)
    except httpx.HTTPError as error:
        return type(error).__name__
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    if program.component is None:
        return "ok"
    status = (answer.json().get(program.component) or {}).get("status")
    return "ok" if status == "healthy" else str(status or "starting")


def wait_healthy(
    supervisor: Supervisor,
    programs: Sequence[Program],
    timeout_s: float,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Return once every one of ``programs`` is well; ``say`` hears of each as it becomes so.

    Raises:
        NotHealthy: one was given up by the supervisor, or ``timeout_s`` seconds have passed.
    """
    started = time.monotonic()
    waiting = {program.name: program for program in programs}
    while waiting:
        states = {state.name: state for state in supervisor.programs()}
        for name, program in list(waiting.items()):
            found = check(program) if _is_up(states.get(name)) else "not running"
            if found == "ok":
                del waiting[name]
                say(f"{name} is up ({time.monotonic() - started:.0f} s)")
            elif name in states and states[name].state == "FATAL":
                raise NotHealthy(name, "it ends as soon as it is started")
            elif time.monotonic() - started > timeout_s:
                raise NotHealthy(name, f"{found} after {timeout_s:.0f} s")
        time.sleep(0.3 if waiting else 0)


def _is_up(state: ProgramState | None) -> bool:
    return state is not None and state.pid > 0 and is_alive(state.pid)
