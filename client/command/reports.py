"""Verbs about the monthly reports."""

import argparse
from pathlib import Path
from typing import Any

from client.client import EtalonClient
from client.command.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Declare them."""
    parsers = verbs.add("reports", "the monthly reports: list them, fetch one", _reports).add_subparsers(
        dest="what", required=True
    )
    parsers.add_parser("list", help="every report, the newest month first")
    fetch = parsers.add_parser("fetch", help="write one to a file")
    fetch.add_argument("name", help="such as monthly-2026-10")
    fetch.add_argument("path", type=Path, nargs="?", help="default: its name with .html, here")


def _reports(client: EtalonClient, asked: argparse.Namespace) -> Any:
    if asked.what == "list":
        return [report.document for report in client.reports()]
    page = client.report(asked.name)
    path = asked.path or Path(f"{asked.name}.html")
    return {"path": str(path), "bytes": path.write_bytes(page)}
