# ruff: noqa: T201 - what it prints is its result
"""Run as a process in the place of the jobs' interpreter, by ``JOBS_PYTHON``: notes each try, and hurts it as told.

The ingest is the real one. The trainings are stood in for: what is tested is that a killed job, its killed supervisor
or scheduler lose and double nothing.

Each file in the folder ``HURTS`` is one try's fate: a failpoint (``name:nth:kill``), ``training`` (a training job is
killed), or nothing. The first one is taken by whoever renames it.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

ANSWERS = {
    "features": {"embedded_rows": 1},
    "fit": {"package": "ab" * 32},
    "judge": {"decision": "promote", "package": "ab" * 32, "epoch": 1},
    "promote": {"epoch": 2},
}


def main(arguments: list[str]) -> None:
    """``-m MODULE VERB …``."""
    module, verb = arguments[1], arguments[2]
    with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps({"pid": os.getpid(), "verb": verb}) + "\n")
    fate = _take_fate(Path(os.environ["HURTS"]), "training" if module == "training.jobs" else "ingest")
    if module == "training.jobs":
        if fate:
            os.kill(os.getpid(), signal.SIGKILL)
        print(json.dumps(ANSWERS[verb]))
        return
    os.environ["ETALON_FAILPOINT"] = fate
    os.execv(sys.executable, [sys.executable, *arguments])


def _take_fate(folder: Path, kind: str) -> str:
    for path in sorted(folder.glob(f"*.{kind}")):
        with contextlib.suppress(FileNotFoundError):  # somebody else took it
            return path.rename(path.with_suffix(".taken")).read_text(encoding="utf-8")
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
