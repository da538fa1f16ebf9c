"""Verbs for those who send products."""

import argparse
import sys
from pathlib import Path
from typing import Any

from client.batch import Results, predict_all, products_in
from client.client import EtalonClient
from client.command.verbs import Verbs, add_filters, existing, filters_of


def add(verbs: Verbs) -> None:
    """Declare them."""
    predict = verbs.add(
        "predict", "classify a product, or all of a CSV or a folder, and stage them for review", _predict
    )
    predict.add_argument("designation", nargs="?")
    predict.add_argument("--description")
    predict.add_argument("--image", type=existing)
    predict.add_argument("--model")
    predict.add_argument("--top-k", type=int, help="how many categories to tell, 1 to 10")
    predict.add_argument("--idempotency-key")
    several = predict.add_argument_group("many products", "stopped, the same command goes on where it was")
    several.add_argument(
        "--from", dest="source", type=existing, help="CSV with 'designation', or folder of photos and texts"
    )
    several.add_argument("--to", type=Path, help="results: .csv or .jsonl")
    several.add_argument("--images", type=existing, help="where the CSV's photos are")
    several.add_argument("--workers", type=int, default=4, choices=range(1, 65), metavar="1..64")

    _with_filters(verbs, "predictions", "list predictions", _list)
    export = verbs.add("export", "write predictions to a CSV", _export)
    export.add_argument("path", type=Path)
    add_filters(export)
    photo = verbs.add("image", "write the photo that the model saw to a file", _image)
    photo.add_argument("id")
    photo.add_argument("path", type=Path)

    feedback = verbs.add("feedback", "say what you, the sender, think of an answer", _feedback)
    feedback.add_argument("id")
    feedback.add_argument("kind", choices=["confirmed", "proposed", "disputed", "withdraw"])
    feedback.add_argument("--code", type=int)
    feedback.add_argument("--reason")
    verbs.add("show", "one prediction", lambda client, asked: client.prediction(asked.id).document).add_argument("id")
    verbs.add("classes", "the active taxonomy", lambda client, asked: client.classes())


def _with_filters(verbs: Verbs, name: str, text: str, run: Any) -> None:
    listing = verbs.add(name, text, run)
    add_filters(listing)
    listing.add_argument("--order", choices=["newest", "oldest", "uncertain", "updated"], default="newest")
    listing.add_argument("--limit", type=int, default=20)


def _predict(client: EtalonClient, asked: argparse.Namespace) -> Any:
    if asked.source:
        return _predict_many(client, asked)
    return client.predict(
        asked.designation,
        asked.description,
        asked.image,
        model=asked.model,
        top_k=asked.top_k,
        idempotency_key=asked.idempotency_key,
    ).document


def _predict_many(client: EtalonClient, asked: argparse.Namespace) -> dict[str, Any]:
    if asked.to is None or asked.designation or asked.image:
        raise ValueError("--from takes --to, and no product on the command line")
    products = products_in(asked.source, asked.images)
    with Results(asked.to) as results:
        tally = predict_all(
            client,
            products,
            results,
            model=asked.model,
            top_k=asked.top_k,
            workers=asked.workers,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    counts = {"answered": tally.answered, "refused": tally.refused, "from_before": tally.skipped}
    return {"products": tally.products, **counts, "results": str(asked.to)}


def _list(client: EtalonClient, asked: argparse.Namespace) -> Any:
    page = client.predictions(order=asked.order, limit=asked.limit, **filters_of(asked))
    return [item.document for item in page.items]


def _export(client: EtalonClient, asked: argparse.Namespace) -> Any:
    aside = asked.path.with_name(asked.path.name + ".part")
    with client.export(**filters_of(asked)) as chunks, aside.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
    aside.replace(asked.path)
    return {"path": str(asked.path), "bytes": asked.path.stat().st_size}


def _image(client: EtalonClient, asked: argparse.Namespace) -> Any:
    return {"path": str(asked.path), "bytes": asked.path.write_bytes(client.image(asked.id))}


def _feedback(client: EtalonClient, asked: argparse.Namespace) -> Any:
    if asked.kind == "withdraw":
        client.withdraw_feedback(asked.id)
        return {"id": asked.id, "feedback": None}
    return client.give_feedback(asked.id, asked.kind, prdtypecode=asked.code, reason=asked.reason).document
