"""``python -m bench.day``: a system as ``make up`` starts it, and a day of its life in a quarter of an hour.

A generated catalogue, customers, a reviewer, an admin; Google Drive, a mail server and a chat are stand-ins on this
machine. Every DAG runs in the real scheduler. Nothing of ``make up``'s own state is touched.

    python -m bench.day [--state data/var/day] [--keep]
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from bench.day.acts import SEED, Day, Findings
from bench.day.surroundings import Surroundings, surroundings
from bench.tables import publish
from local import up
from local.incoming import read_incoming
from local.progress import Steps, warn
from local.state import PROJECT, State
from local.supervisor import Supervisor
from local.system import System

_TRAIN, _INCOMING = 1700, 900
_BASE = 0.25
LOOP = {
    "LOOP_MIN_ROWS": "300",
    # The model of the morning is right for two in three; what alarms is an afternoon on which it is not.
    "LOOP_WATCH_MIN_ACCURACY": "0.4",
    "LOOP_WATCH_VERDICTS": "60",
}


def main() -> int:
    """Live the day; 0 when everything it has to show was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, default=PROJECT / "data" / "var" / "day", help="wiped first: %(default)s")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    arguments = parser.parse_args()
    root, steps = arguments.state.resolve(), Steps()
    if root.is_dir():
        Supervisor(State.at(root)).stop()
        shutil.rmtree(root)
    findings = Findings()
    with surroundings() as outside:
        try:
            _live(root, outside, steps, findings)
        except Exception as error:
            warn(f"the day ended early, in {steps.current!r}: {type(error).__name__}: {error}")
            findings.shown[f"{steps.current} ended"] = False
        finally:
            if not arguments.keep:
                Supervisor(State.at(root)).stop()
    findings.facts |= {"seconds": steps.seconds, "total_s": round(steps.total_s, 1)}
    return publish("day", findings.facts, findings.shown)


def _live(root: Path, outside: Surroundings, steps: Steps, findings: Findings) -> None:
    policy = State.at(root).run / "gate.toml"
    policy.write_bytes((PROJECT / "mlflow" / "gate.toml").read_bytes())
    os.environ.update(outside.settings | LOOP | {"GATE_POLICY": str(policy)})
    with steps.step("make up"):
        data = _catalogue(root)
        if up.start(root, up.Wishes(data, None, _BASE)):
            raise RuntimeError("the system did not start")
    system = System.existing(root)
    base = root / "training" / "segments" / "000000-base" / "products.csv"
    Day(system, outside, read_incoming(data, base, SEED), policy, steps, findings).live()


def _catalogue(root: Path) -> Path:
    from local.sample.__main__ import main as generate

    folder = root / "catalogue"
    if generate(["--out", str(folder), "--train", str(_TRAIN), "--incoming", str(_INCOMING)]):
        raise RuntimeError("no catalogue was generated")
    return folder


if __name__ == "__main__":
    sys.exit(main())
