"""The verb that checks a running service."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from client.check import Canary, Checkup
from client.command.credentials import NotSet, secret
from client.command.verbs import Verbs

_URL = "http://127.0.0.1:8000"
_TELLS = """Sign in as two accounts that are for nothing else, send a product, review it, be refused where that
is right, and erase it. Each step is a line on standard error, the result a line of JSON on standard output. The
accounts are LOOP_CHECK_CUSTOMER (canary) and LOOP_CHECK_REVIEWER (canary-reviewer), their passwords
LOOP_CHECK_CUSTOMER_PASSWORD and LOOP_CHECK_REVIEWER_PASSWORD, each also from a file (…_FILE)."""


def add(verbs: Verbs) -> None:
    """Declare it."""
    check = verbs.add("check", "check the running service from end to end, and leave nothing behind", _check)
    check.description = _TELLS
    check.set_defaults(alone=_check)
    check.add_argument("--url", default="", help="default: the first address in LOOP_CHECK_URL, then ETALON_URL")
    check.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="for all steps: %(default)s")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write the steps as JUnit's XML as well")


def _check(asked: argparse.Namespace, transport: httpx.BaseTransport | None) -> int:
    """0 when every step was as it should be."""
    signal.signal(signal.SIGTERM, _stop)
    canaries = _canary("CUSTOMER", "canary", "customer"), _canary("REVIEWER", "canary-reviewer", "reviewer")
    checkup = Checkup(_address(asked.url), canaries, asked.timeout, transport)
    outcome = checkup.run(lambda line: print(line, file=sys.stderr, flush=True))
    if asked.junit:
        asked.junit.write_bytes(outcome.to_junit())
    print(json.dumps(outcome.to_json(), ensure_ascii=False))
    return 1 if outcome.failures else 0


def _address(asked: str) -> str:
    configured = os.environ.get("LOOP_CHECK_URL", "").partition(",")[0].strip()
    return asked or configured or os.environ.get("ETALON_URL", _URL)


def _canary(who: str, username: str, role: str) -> Canary:
    name = f"LOOP_CHECK_{who}"
    password = secret(os.environ, f"{name}_PASSWORD")
    if password is None:
        raise NotSet(f"set {name}_PASSWORD or {name}_PASSWORD_FILE")
    return Canary(os.environ.get(name) or username, password, role)


def _stop(number: int, frame: FrameType | None) -> Any:
    """What was sent is erased on the way out."""
    raise SystemExit(128 + number)
