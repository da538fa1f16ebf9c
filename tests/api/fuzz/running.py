"""One schemathesis run against a running service, and what came of it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.api.service import Etalon
from tests.conftest import ROOT, SETTINGS_PREFIXES

PHASES = "examples,coverage,fuzzing,stateful"


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run came to.

    Attributes:
        role: of the caller.
        cases: requests whose answers were checked.
        operations: how many of the document's were met.
        failures: what the report says of each.
        output: everything that was said, with a command line to repeat each failure.
    """

    role: str
    cases: int
    operations: int
    failures: list[str]
    output: str

    def __str__(self) -> str:
        return f"{self.role}: {self.cases} cases on {self.operations} operations, {len(self.failures)} failures"


def fuzz(etalon: Etalon, role: str, *, examples: int, seed: int, phases: str = PHASES) -> Fuzzed:
    """Send requests made from the document, as an account of a role, and check every answer against the document.

    Args:
        examples: most requests of each phase for each operation.
        seed: the same one makes the same requests of the same document.
    """
    report = etalon.folder / f"fuzz-{role}-{seed}.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{etalon.url}/openapi.json"]
    options = ["--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--workers", "1"]
    # No schema says that a text holds no NUL; the tables of bad input send it to every field.
    quiet = [
        "--generation-allow-x00",
        "false",
        "--generation-database",
        "none",
        "--no-color",
        "--continue-on-failure",
        "--warnings",
        "off",
    ]
    shown = ["--report", "json", "--report-json-path", str(report)]
    done = subprocess.run(
        [*command, *options, *quiet, *shown],
        cwd=ROOT,
        env=_environment(etalon, role),
        capture_output=True,
        text=True,
        check=False,
    )
    return _read(role, report, done.stdout + done.stderr)


def _environment(etalon: Etalon, role: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.api.fuzz.hooks",
        "FUZZ_URL": etalon.url,
        "FUZZ_ROLE": role,
        "DB_URL": etalon.database.url.get_secret_value(),
    }


def _read(role: str, report: Path, output: str) -> Fuzzed:
    if not report.is_file():
        raise AssertionError(f"schemathesis did not finish: {output[-3000:]}")
    found = json.loads(report.read_text(encoding="utf-8"))
    failures = [f"{one['title']} ({one['count']}): {', '.join(one['operations'])}" for one in found["failures"]]
    broken = [json.dumps(one) for one in found["errors"]]
    return Fuzzed(role, found["test_cases"]["generated"], found["operations"]["tested"], [*failures, *broken], output)
