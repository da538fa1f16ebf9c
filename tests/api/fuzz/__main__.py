"""``python -m tests.api.fuzz``: thousands of requests for each role, made from the document; exits 1 on a failure.

The service is a process of its own on a fresh database. A failure is printed with a command line that repeats it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from core.db.session import make_engine
from core.settings import DatabaseSettings
from tests.api.fuzz.running import fuzz
from tests.api.hostile_photos import drawn
from tests.api.people import ROLES
from tests.api.service import Etalon, migrated


def main() -> int:
    """Fuzz as each role and print the figures."""
    chosen = _parser().parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        database = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
        migrated(make_engine(database))
        with Etalon(folder, database, drawn("JPEG")) as etalon:
            passed = [_fuzz_as(role, etalon, chosen) for role in chosen.role or ROLES]
            broken = etalon.violations()
            print(f"statuses answered, with those to people's sign-ins: {dict(sorted(etalon.answered().items()))}")
            print(f"invariants of the loop afterwards: {'; '.join(broken) or 'all hold'}", flush=True)
    return 0 if all(passed) and not broken else 1


def _fuzz_as(role: str, etalon: Etalon, chosen: argparse.Namespace) -> bool:
    done = fuzz(etalon, role, examples=chosen.examples, seed=chosen.seed)
    if done.failures:
        print(done.output)
    print(f"{done} (wanted: {chosen.cases} cases or more, 0 failures; seed {chosen.seed})", flush=True)
    return not done.failures and done.cases >= chosen.cases


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.api.fuzz", description=__doc__)
    parser.add_argument("--role", choices=ROLES, action="append", help="only as this one")
    parser.add_argument("--examples", type=int, default=100, help="most requests an operation in each phase")
    parser.add_argument("--cases", type=int, default=5_000, help="fewer requests a role are a failure")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
