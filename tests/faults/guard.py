"""Run as a process: wait until another one is dead, however it died, and then end every process of its system.

``python -m tests.faults.guard PID STATE``: a campaign that is killed leaves no Airflow behind.
"""

import contextlib
import os
import select
import sys
from pathlib import Path

from local import processes


def main(pid: int, root: Path) -> None:
    """Wait, then end; what was being started meanwhile shows up in the next round."""
    with contextlib.suppress(ProcessLookupError):
        select.select([os.pidfd_open(pid)], [], [])
    for _ in range(5):
        if not processes.end([one for one in processes.marked(root) if one != os.getpid()]):
            processes.wait_until_gone(processes.marked(root), 1.0)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
