"""Small training stores with everything a test needs to know about them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.consistency import Batch, Staged, Work
from core.domain.review import OutboxKind, Status
from core.store.manifests import append_segment
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, IMAGE_SHAPE, Segment, segment_name, write_segment


def row(number: int, *, validated: bool = False, code: int = 10) -> TrainingRow:
    product = f"p{number}"
    if validated:
        return TrainingRow(product, product, f"title {number}", "", code, "", "validated", "train", f"c{number}",
                           "rev", "2026-11-21T10:00:00.000000Z", "f" * 64)  # fmt: skip
    return TrainingRow(product, "", f"title {number}", "", code, "", "base", "train", f"c{number}", "", "", "")


def photos(rows: list[TrainingRow]) -> list[NDArray[np.uint8]]:
    """Without a photo a product's tensor is zero."""
    return [np.zeros(IMAGE_SHAPE, np.uint8) for _ in rows]


def append(training: Path, name: str, rows: list[TrainingRow]) -> Segment:
    segment = write_segment(training, name, rows, photos(rows))
    append_segment(training, segment, taxonomy_version="t1")
    return segment


def store(training: Path) -> Path:
    """Three base rows, then a segment of two validated ones: manifests 1 and 2."""
    append(training, BASE_SEGMENT, [row(1), row(2), row(3)])
    append(training, segment_name(1), [row(4, validated=True), row(5, validated=True)])
    return training


def work(kind: str, version: int, segment: int | None = None, at: int | None = None, **facts: object) -> Work:
    """Work of an accepted code 10; claimed work is done unless said otherwise."""
    done = {"done": segment is not None, "code": 10, "age_s": 1.0, **facts}
    return Work(kind=OutboxKind(kind), version=version, segment=segment, row=at, **done)


def staged(status: str, version: int, action: str | None, *left: Work, **facts: object) -> Staged:
    """A prediction of code 10 as its last verdict left it, with a verdict for every version."""
    known = {"code": 10, "verdicts": version - 1, "accepted": 10, "split": "train", "cluster": "c4", **facts}
    return Staged(status=Status(status), version=version, action=action, work=left, **known)


def ingested(segment: int, at: int, **facts: object) -> Staged:
    """A prediction whose validated row is in the store."""
    return staged("ingested", 2, "validate", work("append", 2, segment, at), **facts)


def batch(segment: int, rows: int, *, manifest: int | None, retractions: int = 0, age_s: float = 1.0) -> Batch:
    return Batch(segment, rows, retractions, manifest, age_s)
