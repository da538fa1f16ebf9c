"""``python -m client VERB``: the service from a shell. Answers are JSON on standard output.

The address, the account and its password come from ``ETALON_URL``, ``ETALON_USER`` and ``ETALON_PASSWORD``
(or ``ETALON_PASSWORD_FILE``): a password on a command line is readable by every process on the machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from client.answers import Decision
from client.client import EtalonClient
from client.errors import ProblemError

_DECISIONS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("validate", "accept a pending prediction", frozenset({"code?", "reason"})),
    ("reject", "refuse a pending prediction", frozenset({"reason"})),
    ("modify", "give another code to a pending prediction", frozenset({"code"})),
    ("undo", "put a decided prediction back into the queue", frozenset({"reason"})),
    ("correct", "give another code to a row of the training store", frozenset({"code", "reason"})),
    ("retract", "take an accepted label back", frozenset({"reason"})),
    ("delete", "erase a prediction", frozenset()),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m client", description=__doc__.partition("\n\n")[2])
    verbs = parser.add_subparsers(dest="verb", required=True)
    predict = verbs.add_parser("predict", help="classify a product and stage it for review")
    predict.add_argument("designation")
    predict.add_argument("--description")
    predict.add_argument("--image", type=Path)
    predict.add_argument("--model")
    predict.add_argument("--idempotency-key")
    listing = verbs.add_parser("predictions", help="list predictions")
    listing.add_argument("--status")
    listing.add_argument("--order", choices=["newest", "oldest", "uncertain"], default="newest")
    listing.add_argument("--limit", type=int, default=20)
    for verb, text, options in _DECISIONS:
        decision = verbs.add_parser(verb, help=text)
        decision.add_argument("id")
        decision.add_argument("--version", type=int, help="the only version it may be made on")
        if options & {"code", "code?"}:
            decision.add_argument("--code", type=int, required="code" in options)
        if "reason" in options:
            decision.add_argument("--reason")
    several = verbs.add_parser("validate-all", help="accept several pending predictions, all or none")
    several.add_argument("ids", nargs="+")
    following = verbs.add_parser("next", help="the next product to review")
    following.add_argument("--order", choices=["uncertain", "newest", "oldest"], default="uncertain")
    verbs.add_parser("history", help="every decision on a prediction").add_argument("id")
    back = verbs.add_parser("take-back", help="take back the labels that a reviewer gave in a time span")
    back.add_argument("reviewer")
    back.add_argument("--since", type=datetime.fromisoformat, required=True)
    back.add_argument("--until", type=datetime.fromisoformat, required=True)
    back.add_argument("--reason")
    back.add_argument("--dry-run", action="store_true")
    verbs.add_parser("champion", help="the release that is served")
    verbs.add_parser("classes", help="the active taxonomy")
    return parser


def _answer(client: EtalonClient, asked: argparse.Namespace) -> Any:
    match asked.verb:
        case "predict":
            return client.predict(
                asked.designation,
                asked.description,
                asked.image,
                model=asked.model,
                idempotency_key=asked.idempotency_key,
            ).document
        case "predictions":
            page = client.predictions(status=asked.status, order=asked.order, limit=asked.limit)
            return [item.document for item in page.items]
        case "validate-all":
            done = client.validate_all([Decision(one) for one in asked.ids])
            return [item.document for item in done]
        case "next":
            lease = client.next_to_review(order=asked.order)
            return lease and {**lease.prediction.document, "leased_until": lease.leased_until.isoformat()}
        case "history":
            return [item.document for item in client.history(asked.id)]
        case "take-back":
            asked_for = {"since": asked.since, "until": asked.until, "reason": asked.reason, "dry_run": asked.dry_run}
            return client.take_back(asked.reviewer, **asked_for).document
        case "champion":
            return client.champion().document
        case "classes":
            return client.classes()
        case _:
            return _decided(client, asked)


def _decided(client: EtalonClient, asked: argparse.Namespace) -> Any:
    match asked.verb:
        case "validate":
            done = client.validate(asked.id, prdtypecode=asked.code, reason=asked.reason, version=asked.version)
        case "reject":
            done = client.reject(asked.id, reason=asked.reason, version=asked.version)
        case "modify":
            done = client.modify(asked.id, asked.code, version=asked.version)
        case "undo":
            done = client.undo(asked.id, reason=asked.reason, version=asked.version)
        case "correct":
            done = client.correct(asked.id, asked.code, reason=asked.reason, version=asked.version)
        case "retract":
            done = client.retract(asked.id, reason=asked.reason, version=asked.version)
        case _:
            return {"id": asked.id, "erased": client.delete(asked.id, version=asked.version)}
    return done.document


def _password(environ: Mapping[str, str]) -> str:
    path = environ.get("ETALON_PASSWORD_FILE")
    return Path(path).read_text(encoding="utf-8").rstrip("\n") if path else environ["ETALON_PASSWORD"]


def main(arguments: Sequence[str] | None = None, transport: httpx.BaseTransport | None = None) -> int:
    """Ask the service; 0 with the answer on standard output, or 1 with the problem on standard error."""
    asked = _parser().parse_args(arguments)
    url = os.environ.get("ETALON_URL", "http://127.0.0.1:8000")
    try:
        username, password = os.environ["ETALON_USER"], _password(os.environ)
    except KeyError as missing:
        print(f"set {missing.args[0]} (see --help)", file=sys.stderr)
        return 1
    try:
        with EtalonClient(url, username, password, transport=transport) as client:
            print(json.dumps(_answer(client, asked), ensure_ascii=False, indent=2))
    except (ProblemError, httpx.TransportError, OSError, ValueError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
