"""Verbs for those who review."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from client.answers import Decision, Prediction, Undoing
from client.client import EtalonClient
from client.command.verbs import Verbs, add_filters, filters_of

_Decide = Callable[[EtalonClient, argparse.Namespace], Prediction]


def add(verbs: Verbs) -> None:
    """Declare them."""
    queue = verbs.add("queue", "what waits for review, least certain first", _queue)
    add_filters(queue)
    queue.set_defaults(status="pending")
    queue.add_argument("--order", choices=["uncertain", "newest", "oldest"], default="uncertain")
    queue.add_argument("--limit", type=int, default=20)
    following = verbs.add("next", "the next product to review, kept for you for a while", _next)
    following.add_argument("--order", choices=["uncertain", "newest", "oldest"], default="uncertain")
    following.add_argument("--code", type=int, help="its current code")
    following.add_argument("--feedback", choices=["confirmed", "proposed", "disputed"], help="what its sender said")
    following.add_argument("--language", help="the likely language of its text, such as fr")
    following.add_argument("--second-opinion", action="store_true", help="labels that look wrong, not pending ones")
    verbs.add("hold", "keep this very product for you for a while", _hold).add_argument("id")
    verbs.add("release", "let go of products that are kept for you", _release).add_argument("ids", nargs="+")
    verbs.add("skip", "put a pending product aside for a day", _skip).add_argument("id")
    verbs.add("progress", "what is left, and what you decided today", lambda client, asked: client.progress())
    _add_decisions(verbs)
    several = verbs.add("validate-all", "accept several pending predictions, all or none", _validate_all)
    several.add_argument("ids", nargs="+")
    undone = verbs.add("undo-all", "undo several verdicts, all or none", _undo_all)
    undone.add_argument("ids", nargs="+")
    verbs.add("history", "every decision on a prediction", _history).add_argument("id")
    verbs.add("lineage", "where an answer came from and what became of it", _lineage).add_argument("id")
    verbs.add("evidence", "the labelled products most like one", _evidence).add_argument("id")
    verbs.add("guide", "what belongs into a category", _guide).add_argument("prdtypecode", type=int)
    back = verbs.add("take-back", "take back the labels that a reviewer gave in a time span", _take_back)
    back.add_argument("reviewer")
    back.add_argument("--since", type=datetime.fromisoformat, required=True)
    back.add_argument("--until", type=datetime.fromisoformat, required=True)
    back.add_argument("--reason")
    back.add_argument("--dry-run", action="store_true")


def _add_decisions(verbs: Verbs) -> None:
    _decision(
        verbs,
        "validate",
        "accept a pending prediction, with another code if one is given",
        lambda client, a: client.validate(a.id, prdtypecode=a.code, reason=a.reason, version=a.version),
        "code?",
        "reason",
    )
    _decision(
        verbs,
        "reject",
        "refuse a pending prediction",
        lambda client, a: client.reject(a.id, reason=a.reason, version=a.version),
        "reason",
    )
    _decision(
        verbs,
        "modify",
        "give another code to a pending prediction",
        lambda client, a: client.modify(a.id, a.code, version=a.version),
        "code",
    )
    _decision(
        verbs,
        "undo",
        "put a decided prediction back into the queue",
        lambda client, a: client.undo(a.id, reason=a.reason, version=a.version),
        "reason",
    )
    _decision(
        verbs,
        "correct",
        "give another code to a row of the training store",
        lambda client, a: client.correct(a.id, a.code, reason=a.reason, version=a.version),
        "code",
        "reason",
    )
    _decision(
        verbs,
        "keep",
        "say that a label marked for a second opinion is right",
        lambda client, a: client.keep(a.id, version=a.version),
    )
    _decision(
        verbs,
        "retract",
        "take an accepted label back",
        lambda client, a: client.retract(a.id, reason=a.reason, version=a.version),
        "reason",
    )
    erase = verbs.add("delete", "erase a prediction", _delete)
    erase.add_argument("id")
    erase.add_argument("--version", type=int, help="the only version it may be made on")


def _decision(verbs: Verbs, name: str, text: str, decide: _Decide, *options: str) -> None:
    parser = verbs.add(name, text, lambda client, asked: decide(client, asked).document)
    parser.add_argument("id")
    parser.add_argument("--version", type=int, help="the only version it may be made on")
    if "code" in options or "code?" in options:
        parser.add_argument("--code", type=int, required="code" in options)
    if "reason" in options:
        parser.add_argument("--reason")


def _queue(client: EtalonClient, asked: argparse.Namespace) -> Any:
    page = client.predictions(order=asked.order, limit=asked.limit, **filters_of(asked))
    return [item.document for item in page.items]


def _next(client: EtalonClient, asked: argparse.Namespace) -> Any:
    filters = {"code": asked.code, "feedback": asked.feedback, "language": asked.language}
    lease = client.next_to_review(order=asked.order, second_opinion=asked.second_opinion or None, **filters)
    return lease and lease.prediction.document


def _hold(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.hold(asked.id).prediction.document


def _release(client: EtalonClient, asked: argparse.Namespace) -> Any:
    client.release(asked.ids)
    return {"released": asked.ids}


def _skip(client: EtalonClient, asked: argparse.Namespace) -> Any:
    client.skip(asked.id)
    return {"id": asked.id, "skipped": True}


def _validate_all(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return [item.document for item in client.validate_all([Decision(one) for one in asked.ids])]


def _undo_all(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return [item.document for item in client.undo_all([Undoing(one) for one in asked.ids])]


def _history(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return [item.document for item in client.history(asked.id)]


def _lineage(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.lineage(asked.id)


def _evidence(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.evidence(asked.id).document


def _guide(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return client.guide(asked.prdtypecode).document


def _delete(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return {"id": asked.id, "erased": client.delete(asked.id, version=asked.version)}


def _take_back(client: EtalonClient, asked: argparse.Namespace) -> Any:
    wish = {"since": asked.since, "until": asked.until, "reason": asked.reason, "dry_run": asked.dry_run}
    return client.take_back(asked.reviewer, **wish).document
