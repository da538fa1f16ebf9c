"""``python -m tests.faults [--seed N] [--only CAMPAIGN[:PART]] [--scale short|full] [--report FILE]``.

Runs the fault campaigns one after the other. The seed is printed first and in every line of progress; with it, the
same faults come again. The last lines are the summary. Exit 1: something was lost, doubled, invented or stuck, a
flawed version went unnoticed, or a campaign could not run.
"""

import argparse
import importlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from tests.faults.campaign import NotRun, Plan, Progress, Scale, Tally
from tests.faults.summary import Outcome, summarise

CAMPAIGNS: Mapping[str, str] = {
    "kills": "tests.faults.kills",
    "filesystem": "tests.faults.filesystem",
    "corruption": "tests.faults.corruption",
    "powerloss": "tests.faults.powerloss",
    "service": "tests.faults.service",
    "drains": "tests.faults.drains",
    "requests": "tests.faults.duplicated_requests",
    "promotions": "tests.faults.promotions",
    "scheduler": "tests.faults.scheduler",
    "reviewers": "tests.faults.reviewers",
    "database": "tests.faults.database",
}
"""Every campaign and its module, in the order they are run."""

EXCUSES: Mapping[str, str] = {"reviewers": "SKIP_MARIADB", "database": "SKIP_MARIADB"}
"""Campaigns that may be left out, and the variable that asks for it with 1."""


def main() -> int:
    """Run the campaigns; returns the exit status."""
    wish = _parser().parse_args()
    print(f"seed {wish.seed}, scale {wish.scale}", flush=True)
    chosen, _, part = (wish.only or "").partition(":")
    folder = Path(tempfile.mkdtemp(prefix="etalon-faults-"))
    outcomes = []
    for name in [chosen] if chosen else CAMPAIGNS:
        plan = Plan(wish.seed, wish.scale, folder / name, part or None)
        plan.folder.mkdir()
        outcomes.append(run_campaign(name, plan))
    text, reasons = summarise(outcomes, whole=not chosen, full=wish.scale == "full")
    print(text, flush=True)
    if wish.report:
        _write_report(wish.report, wish.seed, wish.scale, outcomes, reasons)
    if not reasons:
        shutil.rmtree(folder)
        return 0
    wrong = next((one.name for one in outcomes if one.failed), None)
    print(f"to see it again: make faults SEED={wish.seed}{f' ONLY={wrong}' if wrong else ''}")
    print(f"what was left behind: {folder}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="replay this one")
    parser.add_argument("--scale", choices=get_args(Scale), default="full")
    parser.add_argument("--only", type=_campaign, metavar="CAMPAIGN[:PART]", help=f"one of {', '.join(CAMPAIGNS)}")
    parser.add_argument("--report", type=Path, help="write everything found to this file, as JSON")
    return parser


def _campaign(text: str) -> str:
    if text.partition(":")[0] not in CAMPAIGNS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(CAMPAIGNS)}. Received: {text}")
    return text


def run_campaign(name: str, plan: Plan) -> Outcome:
    """Run one campaign. One that breaks has failed; the others still run."""
    excuse = EXCUSES.get(name)
    if excuse and os.environ.get(excuse) == "1":
        return Outcome(name, None, 0.0, not_run=f"{excuse}=1", excused=True)
    say, began = Progress(name, plan.seed), time.monotonic()
    say("begins")
    try:
        tally: Tally = importlib.import_module(CAMPAIGNS[name]).run(plan, say)
    except NotRun as reason:
        say(f"cannot run: {reason}")
        return Outcome(name, None, time.monotonic() - began, not_run=str(reason))
    except Exception as error:
        traceback.print_exc()
        tally = Tally(violations=[f"{name} broke off: {type(error).__name__}: {error}"])
    return Outcome(name, tally, time.monotonic() - began, frozenset(plan.reached()))


def _write_report(path: Path, seed: int, scale: str, outcomes: Sequence[Outcome], reasons: Sequence[str]) -> None:
    campaigns = {
        one.name: {
            "seconds": round(one.seconds, 1),
            "not_run": one.not_run,
            **(one.tally.as_json() if one.tally else {}),
        }
        for one in outcomes
    }
    total = sum((one.tally for one in outcomes if one.tally), Tally())
    report = {"seed": seed, "scale": scale, "reasons": list(reasons), "total": total.as_json(), "campaigns": campaigns}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
