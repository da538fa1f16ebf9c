"""``python -m local.launch NAME AFTER COMMAND…``: how the supervisor starts a program.

A program that was killed may leave children behind: a web server's worker that still holds the port, a task whose
scheduler is gone and that will be started again. They are ended before the program is started anew. And a program
that is of no use without another one waits for it: tasks that a scheduler starts before there is an API server fail.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import processes

_LONGEST_WAIT_S = 300.0


def main(name: str, after: str, command: list[str]) -> None:
    """End what an earlier ``name`` left behind, wait until the URL ``after`` (if any) answers, become ``command``."""
    processes.end(processes.marked(Path(os.environ[processes.MARK]), name))
    if after:
        wait_for_answer(after, _LONGEST_WAIT_S)
    os.environ[processes.PROGRAM_MARK] = name
    os.execvp(command[0], command)  # noqa: S606


def wait_for_answer(url: str, timeout_s: float) -> bool:
    """Whether ``url`` answered with any status within ``timeout_s`` seconds."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5.0):  # noqa: S310 - an address of ours
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
