"""Running the demonstration: a clean state before, nothing left behind after, whatever happens in between."""

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from local.demonstration import Demonstration
from local.diagnosis import explain
from local.outcome import Outcome
from local.processes import MemoryWatch
from local.progress import Steps
from local.state import State
from local.supervisor import Supervisor
from local.system import System
from local.up import Wishes


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How to run it.

    Attributes:
        root: the state's folder; wiped first.
        keep: leave everything running, also after a failure.
        report: where the outcome goes as JSON, or None.
    """

    root: Path
    wishes: Wishes
    keep: bool
    report: Path | None


class _Ended(BaseException):
    """SIGTERM or SIGHUP came."""


def run_demo(options: DemoOptions) -> int:
    """Run the loop once; 0 only if the gate moved the champion and the next answer named it."""
    steps, outcome = Steps(), Outcome()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    keep = options.keep
    try:
        _wipe(options.root)
        with MemoryWatch(options.root.resolve()) as memory:
            try:
                Demonstration(options.root, options.wishes, steps, outcome).run()
            finally:
                outcome.peak_memory_bytes = memory.peak_bytes
    except (KeyboardInterrupt, _Ended):
        keep = False
        outcome.failed_step, outcome.error = steps.current, "interrupted"
        steps.say("interrupted")
    except Exception as error:
        outcome.failed_step, outcome.error = steps.current, f"{type(error).__name__}: {error}"
        print(explain(error, steps.current, State(options.root.resolve())), flush=True)
    finally:
        _stop(options.root, steps, keep)
    outcome.seconds, outcome.total_s = steps.seconds, round(steps.total_s, 1)
    _tell(outcome, options)
    return 0 if outcome.is_success else 1


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


def _wipe(root: Path) -> None:
    if root.is_dir():
        Supervisor(State.at(root)).stop()
        shutil.rmtree(root)


def _stop(root: Path, steps: Steps, keep: bool) -> None:
    if keep:
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # impatience must not leave processes behind
    left = Supervisor(State.at(root)).stop()
    steps.say(f"still running: {left}" if left else "every process is stopped")


def _tell(outcome: Outcome, options: DemoOptions) -> None:
    if outcome.error is None:
        print(f"\n{outcome.describe()}\n")
    if options.keep and outcome.error != "interrupted":
        print(f"{System.existing(options.root).logins()}\n\nEverything is left running; stop it with: make down\n")
    if options.report is not None:
        outcome.save(options.report)
    if outcome.is_success:
        print("The loop closed: verdicts became training data, the challenger won, and the next answer was its own.")
    else:
        print(f"The loop did not close (step: {outcome.failed_step}).")
