"""A store's past, made up quickly: all that earlier batches left behind, but for the tensors, which are holes."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert

from core.db.models import (
    Audit,
    ClusterMember,
    NearKey,
    NearSignature,
    Outbox,
    Prediction,
    SegmentClaim,
    Verdict,
)
from core.domain.clusters import lookup_key
from core.durable import make_folder
from core.store import training_csv
from core.store.manifests import Manifest, first, following, manifest_path
from core.store.rows import TrainingRow, encode_rows
from core.store.segments import IMAGE_SHAPE, IMAGES, PRODUCTS, Segment, StoredFile, segment_folder, segment_name
from preprocessing.ingest import near_photos, near_titles

BATCH_ROWS = 500
SELLER = "01900000-0000-7000-8000-fffffffffffe"
"""The account that sent every product; whoever fills a database opens it."""
_Records = tuple[type, list[dict[str, Any]]]  # rows of one table
_DECIDED = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)  # as the database has it
_TAXONOMY = {"taxonomy_version": "bench"}
_WORDS = 20_000
_LETTERS = str.maketrans("0123456789ABCDEF", "abcdefghijklmnop")
_PHOTO_KEYS = [(seen_as, str(number)) for seen_as in ("frame", "subject") for number in range(8)]
_KEY_VALUES = 2**20  # a photo's key holds 20 bits, so distant photos share some, the more the larger the store


def title(random: np.random.Generator) -> str:
    """Eight words without digits, telling enough to be compared with others."""
    return " ".join("mot" + np.base_repr(number, 16).translate(_LETTERS) for number in random.integers(_WORDS, size=8))


def make_up(engine: Engine, training: Path, *, rows: int, reviewer_id: str, random: np.random.Generator) -> None:
    """Fill an empty store and its database with ``rows`` validated products in batches of 500."""
    make_folder(training / "manifests")
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA cache_size = -400000")  # KiB: the index is filled in no order
        for table, values in _batches(training, rows, reviewer_id, random):
            connection.execute(insert(table), values)
    training_csv.refresh(training)


def _batches(training: Path, rows: int, reviewer_id: str, random: np.random.Generator) -> Iterator[_Records]:
    """Write the segments and manifests; yields what the database keeps of them."""
    manifest: Manifest | None = None
    for number, at in enumerate(range(0, rows, BATCH_ROWS), start=1):
        products = [_row(one, reviewer_id, random) for one in range(at, min(at + BATCH_ROWS, rows))]
        segment = _write(training, segment_name(number), products)
        manifest = (
            following(manifest, segment, taxonomy_version="bench")
            if manifest
            else first(segment, taxonomy_version="bench")
        )
        manifest_path(training, manifest.number).write_bytes(manifest.to_bytes())
        yield from _records(number, products, random)


def _row(number: int, reviewer_id: str, random: np.random.Generator) -> TrainingRow:
    product = f"01900000-0000-7000-8000-{number:012d}"
    text = f"Description du produit {number}, avec ses mesures et son état. " * 6
    return TrainingRow(
        product, product, title(random), text, 10, random.bytes(32).hex(), "validated", "train", f"{number:016x}",
        reviewer_id, "2026-01-01T12:00:00.000000Z", "f" * 64,
    )  # fmt: skip


def _write(training: Path, name: str, rows: list[TrainingRow]) -> Segment:
    """A segment whose tensors were never written: an append reads none of them."""
    folder = segment_folder(training, name)
    folder.mkdir(parents=True)
    data = b"".join(encode_rows(rows))
    (folder / PRODUCTS).write_bytes(data)
    with (folder / IMAGES).open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *IMAGE_SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        size = file.tell() + len(rows) * int(np.prod(IMAGE_SHAPE))
        file.truncate(size)
    files = {
        PRODUCTS: StoredFile(hashlib.sha256(data).hexdigest(), len(data), len(rows)),
        IMAGES: StoredFile("0" * 64, size, len(rows)),
    }
    return Segment(name, len(rows), files)


def _records(segment: int, rows: list[TrainingRow], random: np.random.Generator) -> Iterator[_Records]:
    """What the database keeps of one batch, table by table."""
    ids = [row.prediction_id for row in rows]
    yield Prediction, [_prediction(segment, row) for row in rows]
    label = {"prediction_version": 2, "action": "validate", "prdtypecode": 10, "reviewer_id": rows[0].reviewer}
    yield Verdict, [{"prediction_id": one, "decided_at": _DECIDED, **label} for one in ids]
    yield Audit, [{"actor": rows[0].reviewer, "action": "validate", "subject": f"prediction/{one}"} for one in ids]
    done = {"version": 2, "kind": "append", "created_at": _DECIDED, "done_at": _DECIDED, "segment": segment}
    yield Outbox, [{"prediction_id": one, "segment_row": at, **done} for at, one in enumerate(ids)]
    claim = {"segment": segment, "run_key": f"run {segment}", "rows": len(rows), "manifest": segment}
    yield SegmentClaim, [{**claim, "claimed_at": _DECIDED, "ingested_at": _DECIDED}]
    yield from _copies(rows, random)


def _copies(rows: list[TrainingRow], random: np.random.Generator) -> Iterator[_Records]:
    """What later products are compared with: each row's title and photo, in a cluster of its own."""
    titles = [f"v:{random.bytes(32).hex()}" for _ in rows]
    photos = [f"i:{row.image_sha256}" for row in rows]
    members = [(mark, row.cluster) for marks in (titles, photos) for mark, row in zip(marks, rows, strict=True)]
    yield ClusterMember, [{"fingerprint": mark, "cluster": cluster, "split": "train"} for mark, cluster in members]
    yield NearSignature, _signatures(near_titles.RULE, titles, 32, random)
    yield NearSignature, _signatures(near_photos.RULE, photos, 864, random)
    keys = {*_title_keys(titles, random), *_photo_keys(photos, random)}
    yield NearKey, [{"lookup_key": key, "signature_id": number} for key, number in sorted(keys)]


def _prediction(segment: int, row: TrainingRow) -> dict[str, Any]:
    return {
        "id": row.prediction_id, "owner_id": SELLER, "designation": row.designation,
        "description": row.description, "image_sha256": row.image_sha256, "modality": "text+image",
        "suggested_code": 10, "confidence": 0.5, "answer": json.dumps({"top_k": [[10, 0.5]], "experts": {}}),
        "model_name": "fusion", "model_version": row.model_version_shown, "epoch": 1, "taxonomy_version": "bench",
        "status": "ingested", "version": 2, "current_code": 10, "segment": segment, "cluster": row.cluster,
        "split": row.split,
    }  # fmt: skip


def _number(rule: str, mark: str) -> int:
    return lookup_key("signature", rule, mark)


def _signatures(rule: str, marks: Iterable[str], size: int, random: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {"id": _number(rule, mark), "rule": rule, "fingerprint": mark, "content": random.bytes(size)} for mark in marks
    ]


def _title_keys(marks: Iterable[str], random: np.random.Generator) -> Iterator[tuple[int, int]]:
    for mark in marks:
        for key in random.integers(2**63 - 1, size=8):
            yield int(key), _number(near_titles.RULE, mark)


def _photo_keys(marks: Iterable[str], random: np.random.Generator) -> Iterator[tuple[int, int]]:
    for mark in marks:
        for (seen_as, key), value in zip(_PHOTO_KEYS, random.integers(_KEY_VALUES, size=len(_PHOTO_KEYS)), strict=True):
            bits = (int(value) << 4).to_bytes(3)
            yield lookup_key(near_photos.RULE, seen_as, key, bits.hex()), _number(near_photos.RULE, mark)
