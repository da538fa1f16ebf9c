"""Jobs that a campaign starts, hurts and waits for: the product's real commands, forked from a warm process or exec'd.

A fork costs a few milliseconds where an interpreter that imports everything costs a second, so that thousands of
processes can be killed. It is sound only while the parent has one thread and no open connection to the database:
campaigns fork from workers of their own, which dispose of their engines before every fork.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
Under = Callable[[], AbstractContextManager[object]]
TOO_LONG_S = 120
"""A job that takes longer ends by SIGALRM: it hangs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended. ``status`` is its exit status, or minus the signal that ended it."""

    status: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    @property
    def last_words(self) -> str:
        """What it said last, for a report."""
        lines = (self.err or self.out).strip().splitlines()
        return f"exit {self.status}: {lines[-1] if lines else 'nothing said'}"


class Job:
    """A process forked from this one that runs a ``main`` of the product's, its arguments in ``sys.argv``."""

    def __init__(
        self,
        main: Callable[[], int],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: Path,
        *,
        under: Under = nullcontext,
    ) -> None:
        """Start it; what ``under`` does in the child, such as swapping a part of the product, lasts all its life."""
        self._out, self._err = output.with_suffix(".out"), output.with_suffix(".err")
        for path in (self._out, self._err):
            path.write_bytes(b"")
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _become(main, arguments, environment, self._out, self._err, under)

    def wait(self) -> Ended:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        return self._ended(status)

    def wait_for_stop(self) -> Ended | None:
        """Wait until it stops itself: None then, or how it ended instead."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        return None if os.WIFSTOPPED(status) else self._ended(status)

    def wake(self) -> None:
        """Let a stopped job go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it, here and now; one that has ended already is left alone."""
        os.kill(self.pid, signal.SIGKILL)

    def _ended(self, status: int) -> Ended:
        return Ended(os.waitstatus_to_exitcode(status), self._out.read_text(), self._err.read_text())


def _become(
    main: Callable[[], int],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    out: Path,
    err: Path,
    under: Under,
) -> NoReturn:
    """The child's whole life: it must never return into the parent's code."""
    status = 70
    try:
        signal.alarm(TOO_LONG_S)
        for path, descriptor in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY), descriptor)
        os.environ.update(environment)
        sys.argv = ["job", *arguments]
        with under():
            status = main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def as_command(module: str) -> Callable[[], int]:
    """A ``main`` that becomes ``python -m module``: an interpreter of its own, as in production."""

    def become_it() -> int:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)

    return become_it
