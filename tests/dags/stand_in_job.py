# ruff: noqa: T201 - what it prints is its result
"""Stands in for the jobs' interpreter: notes how it was called, and answers as the scenario says."""

import json
import os
import sys
from pathlib import Path

ANSWERS = {
    "append": {"segment": 1, "rows": 300, "manifest": 2},
    "features": {"embedded_rows": 300},
    "fit": {"package": "ab" * 32},
    "judge": {"decision": "promote"},
    "promote": {"epoch": 2},
    "mirror": {"epoch": 2, "models": {"fusion": "ab" * 32}},
    "fsck": {"violations": 0, "manifest": 2},
    "sweep": {"photos": 2, "removed": 1, "settled": 0},
    "core.audit_seal": {"seal": 1},
    "run": {"archived": 1, "removed": 0, "failed": 0, "place": "folder"},
}


def main(arguments: list[str]) -> int:
    """``-m MODULE [VERB ...]``: exit 99 where the scenario has nothing to do, 1 where it fails."""
    verb = arguments[2] if len(arguments) > 2 else arguments[1]
    scenario = os.environ["STAND_IN_SCENARIO"]
    with Path(os.environ["STAND_IN_NOTES"]).open("a") as notes:
        notes.write(json.dumps({"scenario": scenario, "arguments": arguments, "cwd": str(Path.cwd())}) + "\n")
    print(f"progress of {scenario} on standard output")
    again = {"segment": None, "rows": 0, "manifest": 2} if scenario == "training-failed-before" else None
    print(json.dumps(again if again and verb == "append" else ANSWERS[verb]))
    sys.stdout.flush()
    print("a late warning on standard error", file=sys.stderr)
    return {f"nothing-to-{verb}": 99, f"{verb}-fails": 1}.get(scenario, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
