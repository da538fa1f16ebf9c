"""Small training stores with everything a test needs to know about them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
