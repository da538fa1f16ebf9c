"""``python -m local.launch NAME COMMAND…``: how the supervisor starts a program.

A program that was killed may leave children behind: a web server's worker that still holds the port, a task whose
scheduler is gone and that will be started again. They are ended before the program is started anew.
"""

import os
import sys
from pathlib import Path

from local import processes


def main(name: str, command: list[str]) -> None:
    """End what an earlier ``name`` left behind, then become ``command``."""
    root = Path(os.environ[processes.MARK])
    processes.end(processes.marked(root, name))
    os.environ[processes.PROGRAM_MARK] = name
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
