"""``python -m client VERB``: the service from a shell. Answers are JSON on standard output.

The address, the account and its password come from ``ETALON_URL``, ``ETALON_USER`` and ``ETALON_PASSWORD``
(or ``ETALON_PASSWORD_FILE``): a password on a command line is readable by every process on the machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from client.client import EtalonClient
from client.errors import ProblemError


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
    listing.add_argument("--order", choices=["newest", "uncertain"], default="newest")
    listing.add_argument("--limit", type=int, default=20)
    for verb, text in (("validate", "accept"), ("reject", "refuse"), ("modify", "give another code to")):
        decision = verbs.add_parser(verb, help=f"{text} a pending prediction")
        decision.add_argument("id")
        if verb != "reject":
            decision.add_argument("--code", type=int, required=verb == "modify")
        if verb != "modify":
            decision.add_argument("--reason")
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
        case "validate":
            return client.validate(asked.id, prdtypecode=asked.code, reason=asked.reason).document
        case "reject":
            return client.reject(asked.id, reason=asked.reason).document
        case "modify":
            return client.modify(asked.id, asked.code).document
        case "champion":
            return client.champion().document
        case _:
            return client.classes()


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
    except (ProblemError, httpx.TransportError, OSError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
