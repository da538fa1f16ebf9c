"""``up``, ``down`` and ``status``: the system that stays."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local import processes
from local.beginning import generate_sample, has_catalogue, has_champion, release_first_champion
from local.database import DatabaseChoice
from local.diagnosis import explain
from local.programs import SCHEDULER
from local.progress import Steps, warn
from local.state import State
from local.supervisor import Supervisor
from local.system import System


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a system is to begin with.

    Attributes:
        data: a catalogue in the challenge's layout; None generates one.
        limit: products read of the catalogue at most; None: all.
        base: share of its training rows that the first champion learns from.
    """

    data: Path | None
    limit: int | None
    base: float


def start(root: Path, wishes: Wishes) -> int:
    """Start the system in ``root``, from nothing or on its old state; 0 once every part is well."""
    if Supervisor(State.at(root)).is_running():
        print(f"already running in {root}")
        return show_status([root])
    steps = Steps()
    try:
        Supervisor(State.at(root)).stop()  # what a killed supervisor may have left behind
        DatabaseChoice(State.at(root)).make(os.environ)
        system = System.assemble(root)
        _start(system, wishes, steps)
    except BaseException as error:
        if isinstance(error, Exception):
            print(explain(error, steps.current, State(root.resolve())))
        stop([root])
        if isinstance(error, Exception):
            return 1
        raise
    logins = system.logins() if system.first_start else f"  the passwords are in {system.state.secrets}"
    print(f"\n{logins}\n\n{system.overview()[0]}\n\nStop with: make down")
    return 0


def _start(system: System, wishes: Wishes, steps: Steps) -> None:
    for notice in system.notices:
        steps.say(notice)
    begins = not has_champion(system.state)
    with ThreadPoolExecutor(1) as background:
        # The service needs the schema that is made meanwhile, and a scheduler without a champion would find it unwell.
        booted = background.submit(system.boot, without={"api", SCHEDULER} if begins else {"api"})
        with steps.step("database and accounts"):
            system.migrate()
        if not has_catalogue(system.state):
            with steps.step("first catalogue"):
                data = wishes.data or generate_sample(system, wishes.limit)
                steps.say(f"imported: {system.import_catalogue(data, wishes.base, wishes.limit)}")
        booted.result()
    system.supervisor.start_program("api")
    if begins:
        with steps.step("first champion (encoders, training, evaluation)"):
            system.wait_healthy("mlflow", say=steps.say)
            release_first_champion(system)
        system.supervisor.start_program(SCHEDULER)
    with steps.step("everything answers"):
        system.wait_healthy(say=steps.say)


def stop(roots: Sequence[Path]) -> int:
    """Stop every process of the systems in ``roots``; 1 if something would not go."""
    code = 0
    for root in filter(Path.is_dir, roots):
        left = Supervisor(State.at(root)).stop()
        if left:
            warn(f"{root}: still running: {', '.join(map(str, left))}")
            code = 1
        else:
            print(f"{root}: no process is left")
    return code


def show_status(roots: Sequence[Path]) -> int:
    """Print every running system among ``roots``; 1 if none is, or if a part of one is down."""
    codes = [_status(root) for root in roots if (root / "run" / "ports.json").exists()]
    shown = [code for code in codes if code is not None]
    if not shown:
        print("nothing is running (start it with: make up)")
    return max(shown, default=1)


def _status(root: Path) -> int | None:
    """Print the system in ``root``: 0 if it is well, 1 if not, None if it is not running at all."""
    system = System.existing(root)
    orphans = [] if system.supervisor.is_running() else processes.marked(system.state.root)
    if not orphans and not system.supervisor.is_running():
        return None
    overview, is_well = system.overview()
    print(f"{root}\n{overview}\n")
    if orphans:
        warn(f"the supervisor is gone and {len(orphans)} processes run without it: make down, then make up")
    return 0 if is_well and not orphans else 1
