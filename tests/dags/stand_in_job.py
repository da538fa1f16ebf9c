# ruff: noqa: T201 - what it prints is its result
"""Stands in for the jobs' interpreter: notes how it was called, and answers as the scenario says."""

import json
import os
import sys
from pathlib import Path

ANSWERS = {
    "append": {"segment": 1, "rows": 300, "manifest": 2},
    "snapshot": {"manifest": 2},
    "finetune-text": {"encoder": "11" * 32},
    "finetune-image": {"encoder": "22" * 32},
    "features": {"embedded_rows": 300},
    "fit": {"package": "ab" * 32},
    "judge": {"decision": "promote", "package": "ab" * 32, "manifest": 2, "epoch": 1},
    "promote": {"epoch": 2},
    "evidence": {"epoch": 1, "subject": "Serve abababababab?", "body": "**Scores**"},
    "outcome": {"ending": "served", "served": 2},
    "rollback": {"epoch": 3, "models": {"fusion": "cd" * 32}},
    "mirror": {"epoch": 2, "models": {"fusion": "ab" * 32}},
    "fsck": {"violations": 0, "manifest": 2},
    "sweep": {"photos": 2, "removed": 1, "settled": 0},
    "core.audit_seal": {"seal": 1},
    "retain": {"freed_bytes": 1},
    "core.retention": {"told": "features 21.0 of 20.0 GiB"},
    "check": {"ok": True, "url": "http://127.0.0.1:8000", "steps": 17},
    "watch": {"told": [], "retrain": False, "subject": "", "text": ""},
    "report": {"name": "monthly-2026-10", "month": "2026-10", "sentence": "No retraining needed.", "asked": False},
    "log-report": {"name": "monthly-2026-10", "run_id": "f" * 32},
    "run": {"archived": 1, "removed": 0, "failed": 0, "place": "folder"},
}
GREY = ("grey", "grey-again")
INSTEAD = {("training-failed-before", "append"): {"segment": None, "rows": 0}}
INSTEAD[("accuracy-fell", "watch")] = {
    "told": ["accuracy"],
    "retrain": True,
    "subject": "accuracy fell",
    "text": "Accuracy is 55.0 %: surely below 70 %.\nA retraining has been asked for.",
}
INSTEAD[("texts-changed", "watch")] = {"told": ["text"], "subject": "texts changed", "text": "They do not look alike."}
INSTEAD[("bad-month", "report")] = {"sentence": "Retrain because people replaced 30.0 %.", "asked": True}
INSTEAD |= {("nothing-to-promote", "judge"): {"decision": "refuse"}, ("grey-after-all", "judge"): {"epoch": 7}}
INSTEAD |= {(scenario, "judge"): {"decision": "grey"} for scenario in GREY}


def main(arguments: list[str]) -> int:
    """``-m MODULE [VERB ...]``: exit 99 where the scenario has nothing to do, 1 where it fails."""
    verb = arguments[2] if len(arguments) > 2 else arguments[1]
    if "--half" in arguments:
        verb = f"{verb}-{arguments[arguments.index('--half') + 1]}"
    scenario = os.environ["STAND_IN_SCENARIO"]
    with Path(os.environ["STAND_IN_NOTES"]).open("a") as notes:
        notes.write(json.dumps({"scenario": scenario, "arguments": arguments, "cwd": str(Path.cwd())}) + "\n")
    print(f"progress of {scenario} on standard output")
    print(json.dumps(ANSWERS[verb] | INSTEAD.get((scenario, verb), {})))
    sys.stdout.flush()
    print("a late warning on standard error", file=sys.stderr)
    if verb == "promote" and scenario.startswith("grey"):
        return 99
    if verb.startswith("finetune") and scenario == "nothing-to-tune":
        return 99
    return {f"nothing-to-{verb}": 99, f"{verb}-fails": 1}.get(scenario, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
