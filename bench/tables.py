"""What every bench leaves: a table for people on the screen, and the same as JSON under ``bench/results/``."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def say(text: str) -> None:
    """Tell how far the bench is, on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns: the first to the left, the others to the right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    for line in (header, ["─" * width for width in widths], *rows):
        first, *others = zip(line, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip())


def publish(bench: str, facts: Mapping[str, Any], wanted: Mapping[str, bool]) -> int:
    """Write ``bench/results/<bench>.json`` and print it as one line; what was wanted and missed is said first.

    Args:
        bench: its name.
        facts: JSON-able figures.
        wanted: what the figures had to show, in words, and whether they did.

    Returns:
        The exit status: 0 when everything wanted was shown, else 1.
    """
    for words, shown in wanted.items():
        print(f"{'shown ' if shown else 'MISSED'}  {words}")
    machine = {"cores": os.cpu_count(), "cpu": _cpu(), "load": [round(load, 2) for load in os.getloadavg()]}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"bench": bench, "at": at, "machine": machine, **facts, "wanted": dict(wanted)})
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{bench}.json").write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if all(wanted.values()) else 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
