"""How a verb of the command is declared, and the options that several have."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from client.client import EtalonClient

Run = Callable[[EtalonClient, argparse.Namespace], Any]
"""Does what a verb says and returns what is printed as JSON."""


class Verbs:
    """The command's verbs."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(self, name: str, text: str, run: Run, *, signed_in: bool = True) -> argparse.ArgumentParser:
        """Declare one; ``signed_in`` False: it takes the account from the environment without signing in to it."""
        parser = self._parsers.add_parser(name, help=text, description=text)
        parser.set_defaults(run=run, signed_in=signed_in)
        return parser


def add_filters(parser: argparse.ArgumentParser) -> None:
    """What a list of predictions may be narrowed to."""
    for name in ("status", "owner", "modality", "language", "model", "model-version"):
        parser.add_argument(f"--{name}")
    for name in ("code", "suggested-code", "epoch"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("min-confidence", "max-confidence"):
        parser.add_argument(f"--{name}", type=float, metavar="SHARE")
    for name in ("created-since", "created-until", "updated-since"):
        parser.add_argument(f"--{name}", type=datetime.fromisoformat, metavar="TIME", help="ISO 8601, with its zone")
    parser.add_argument("--feedback", choices=["confirmed", "proposed", "disputed"])
    parser.add_argument("--second-opinion", action=argparse.BooleanOptionalAction, help="labels that look wrong")


def filters_of(asked: argparse.Namespace) -> dict[str, Any]:
    """The values of ``add_filters``."""
    names = ("status", "owner", "modality", "language", "model", "model_version", "code", "suggested_code", "epoch")
    bounds = ("min_confidence", "max_confidence", "created_since", "created_until", "updated_since")
    return {name: getattr(asked, name) for name in (*names, *bounds, "feedback", "second_opinion")}


def existing(text: str) -> Path:
    """A path that is there."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return path
