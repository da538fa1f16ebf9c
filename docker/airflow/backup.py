"""``python docker/airflow/backup.py FOLDER [--check]``: back the system up now, and every day from then on.

``--check`` is the health check: it fails where the newest backup that ended well is older than two days.
"""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

EVERY_S = 24 * 3600.0
AGAIN_S = 600.0  # after one that failed


def main(folder: Path) -> None:
    """Back up until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    while not ended.is_set():
        done = subprocess.run([sys.executable, "-m", "core.backup", "backup", "--to", str(folder)], check=False)
        ended.wait(EVERY_S if done.returncode == 0 else AGAIN_S)


def check(folder: Path) -> None:
    """Exit with a sentence where the newest backup is too old, or none was made."""
    record = folder / "backup.json"  # written last
    if not record.exists():
        sys.exit("no backup has ended well yet")
    age_s = time.time() - record.stat().st_mtime
    if age_s > 2 * EVERY_S:
        sys.exit(f"the newest backup is {age_s / 3600:.0f} hours old")


if __name__ == "__main__":
    (check if "--check" in sys.argv else main)(Path(sys.argv[1]))
