"""The judge: the training view as it lies on the disk against the reviewers' own journal.

It reads the files with the standard library, not with the product's readers, and knows nothing of fsck.
"""

import csv
import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from core.db.models import Outbox, Prediction, SegmentClaim
from preprocessing.images import to_tensor
from tests.faults.campaign import Tally
from tests.faults.workload import BASE_PRODUCTS, Item, Journal, upload
from tests.integration.ingest.shop import Shop


@dataclass(frozen=True, slots=True)
class Row:
    """One live row of the view and where its tensor lies."""

    prediction_id: str
    product_id: str
    designation: str
    code: int
    tensors: Path
    at: int


@cache
def _tensor(number: int) -> NDArray[np.uint8]:
    return to_tensor(upload(number).data)


def read_view(training: Path) -> list[Row]:
    """Every live row of the newest manifest."""
    newest = max(training.glob("manifests/[0-9]*.json"), default=None)
    if newest is None:
        return []
    manifest = json.loads(newest.read_bytes())
    dead = {(stone["segment"], stone["row"]) for stone in manifest["tombstones"]}
    rows = []
    for segment in manifest["segments"]:
        folder = training / "segments" / segment["name"]
        with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
            for at, row in enumerate(csv.DictReader(file)):
                if (segment["name"], at) not in dead:
                    rows.append(_row(row, folder / "images.npy", at))
    return rows


def _row(row: dict[str, str], tensors: Path, at: int) -> Row:
    code = int(row["prdtypecode"])
    return Row(row["prediction_id"], row["product_id"], row["designation"], code, tensors, at)


def judge(shop: Shop, journal: Journal, where: str, *, settled: bool, base: int = BASE_PRODUCTS) -> Tally:
    """Compare the view with the journal.

    Args:
        shop: its store and database.
        journal: what was acknowledged.
        where: names the moment in every violation.
        settled: the loop has drained, so everything acknowledged must have arrived; otherwise it may be under way.
        base: products of the import, each of which is there once.
    """
    tally = Tally()
    view = read_view(shop.store.training)
    rows = {row.prediction_id: row for row in view if row.prediction_id}
    for prediction_id, times in Counter(row.prediction_id for row in view if row.prediction_id).items():
        if times > 1:
            tally.doubled += 1
            tally.violations.append(f"{where}: doubled: {prediction_id} is in the view {times} times")
    products = Counter(row.product_id for row in view if not row.prediction_id)
    if len(products) != base or set(products.values()) - {1}:
        tally.violations.append(f"{where}: the base has {sum(products.values())} rows, expected {base}")
    for prediction_id, row in rows.items():
        _judge_row(tally, row, journal.items.get(prediction_id), where, settled=settled)
    if settled:
        _judge_absent(tally, set(rows), journal, where)
        _judge_database(tally, shop, journal, where)
        tally.rows += len(journal.expected())
    return tally


def _judge_row(tally: Tally, row: Row, item: Item | None, where: str, *, settled: bool) -> None:
    name = f"{row.prediction_id} ({row.designation})"
    if item is None or not item.accepted:
        tally.ghosts += 1
        tally.violations.append(f"{where}: ghost: {name} was never validated")
    elif settled and item.state != "validated":
        tally.ghosts += 1
        tally.violations.append(f"{where}: ghost: {name} is {item.state}")
    elif row.code not in (item.accepted if not settled else {item.code}):
        tally.lost += 1
        tally.violations.append(f"{where}: lost: {name} has code {row.code}, the last accepted one is {item.code}")
    elif row.designation != item.designation:
        tally.violations.append(f"{where}: {name} should read {item.designation!r}")
    elif settled and not _has_its_tensor(row, item):
        tally.violations.append(f"{where}: {name} lies beside the tensor of another product")


def _has_its_tensor(row: Row, item: Item) -> bool:
    found = np.load(row.tensors, mmap_mode="r", allow_pickle=False)[row.at]
    return not found.any() if item.photo is None else np.array_equal(found, _tensor(item.photo))


def _judge_absent(tally: Tally, present: set[str], journal: Journal, where: str) -> None:
    for prediction_id, item in journal.expected().items():
        if prediction_id not in present:
            tally.lost += 1
            tally.violations.append(f"{where}: lost: {prediction_id} ({item.designation}) is not in the view")


def judge_archive(shop: Shop, journal: Journal, where: str) -> Tally:
    """Once the archive's job has nothing left to do: every rejection that stands lies there once, and nothing else."""
    tally = Tally()
    products = [json.loads(path.read_bytes()) for path in shop.store.archive.glob("*/*/product.json")]
    found = Counter(product["prediction_id"] for product in products)
    for prediction_id, item in journal.rejected().items():
        if found[prediction_id] != 1:
            tally.lost += not found[prediction_id]
            tally.doubled += found[prediction_id] > 1
            tally.violations.append(f"{where}: {prediction_id} is in the archive {found[prediction_id]} times")
        elif item.designation not in {one["designation"] for one in products if one["prediction_id"] == prediction_id}:
            tally.violations.append(f"{where}: {prediction_id} should read {item.designation!r} in the archive")
    for prediction_id in set(found) - set(journal.rejected()):
        tally.ghosts += 1
        tally.violations.append(f"{where}: ghost: {prediction_id} is in the archive, and was not rejected")
    return tally


def _judge_database(tally: Tally, shop: Shop, journal: Journal, where: str) -> None:
    """Nothing waits any more, and nothing of an erased product is left."""
    with shop.sessions() as session:
        kinds = ("append", "retract")
        waiting = select(func.count()).select_from(Outbox).where(Outbox.kind.in_(kinds), Outbox.done_at.is_(None))
        open_claims = select(func.count()).select_from(SegmentClaim).where(SegmentClaim.ingested_at.is_(None))
        validated = select(func.count()).select_from(Prediction).where(Prediction.status == "validated")
        erased = select(Prediction.id).where((Prediction.designation != "") | Prediction.image_sha256.is_not(None))
        for what, statement in (("work", waiting), ("open batches", open_claims), ("validated rows", validated)):
            if left := session.scalar(statement):
                tally.stuck += left
                tally.violations.append(f"{where}: stuck: {left} {what} after the loop drained")
        for prediction_id in set(session.scalars(erased)) & set(journal.erased()):
            tally.violations.append(f"{where}: {prediction_id} was erased, and its text or photo is still there")
    shop.engine.dispose()
