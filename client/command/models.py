"""Verbs about what is served."""

import argparse
from typing import Any

from client.client import EtalonClient
from client.command.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Declare them."""
    verbs.add("champion", "the release that is served", lambda client, asked: client.champion().document)
    verbs.add("models", "every model of that release", lambda client, asked: client.models().document)
    verbs.add("model", "everything known of one package", _model).add_argument("version")
    verbs.add("evaluation", "how a package answers beside the champion", _evaluation).add_argument("version")
    _listing(verbs, "candidates", "packages that are not served, newest first", _candidates)
    _listing(verbs, "releases", "the ledger, newest first", _releases)
    promote = verbs.add("promote", "serve a package from now on", _promote)
    promote.add_argument("version")
    promote.add_argument("--override", action="store_true", help="also if the gate refused it")
    rollback = verbs.add("rollback", "serve what was served before", _rollback)
    for parser in (promote, rollback):
        parser.add_argument("--reason", required=True)
        parser.add_argument("--expected-epoch", type=int, required=True, help="the epoch you looked at")
    retrain = verbs.add("retrain", "wish for a retraining", _retrain)
    retrain.add_argument("--reason", required=True)
    quality = verbs.add("quality", "what the watch over the model's answers has read", _quality)
    quality.add_argument("--kind", choices=["accuracy", "calibration", "text", "images"])
    quality.add_argument("--before", type=int, help="the next of the page before")
    quality.add_argument("--limit", type=int, default=20)
    trends = verbs.add("trends", "what the loop did day by day, and where it stands", _trends)
    trends.add_argument("--days", type=int, default=30, help="today among them; at most 90")
    verbs.add("retraining", "what became of the newest wish", lambda client, asked: client.retraining().document)


def _listing(verbs: Verbs, name: str, text: str, run: Any) -> None:
    verbs.add(name, text, run).add_argument("--limit", type=int, default=20)


def _model(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.model(asked.version)


def _evaluation(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.evaluation(asked.version)


def _candidates(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.candidates(limit=asked.limit)


def _releases(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return [row.document for row in client.releases(limit=asked.limit)]


def _promote(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.promote(
        asked.version, reason=asked.reason, expected_epoch=asked.expected_epoch, override=asked.override
    ).document


def _rollback(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.rollback(reason=asked.reason, expected_epoch=asked.expected_epoch).document


def _quality(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.quality(kind=asked.kind, before=asked.before, limit=asked.limit).document


def _retrain(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.retrain(reason=asked.reason).document


def _trends(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.trends(days=asked.days).document
