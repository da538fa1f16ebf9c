"""Where the features of training rows lie, for whoever writes them (training) and whoever searches them (the service).

    features/<encoder sha>/<segment>.<input>.npy   float16 (rows of the segment, width)

Segments and encoders never change, so a file is right for ever; ``<input>`` is the beginning of the sha256 of what
went in (rows and text rule, or photos).
"""

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from core.store.segments import IMAGES, PRODUCTS, Segment
from preprocessing.text import TEXT_RULE

_log = logging.getLogger(__name__)

_DIGITS = 12


def file_name(half: Modality, segment: Segment) -> str:
    """The name of a segment's features of one half, ``TEXT_ONLY`` or ``IMAGE_ONLY``, in every encoder's folder."""
    products, photos = segment.files[PRODUCTS].sha256, segment.files[IMAGES].sha256
    texts = hashlib.sha256(f"{products} {TEXT_RULE}".encode()).hexdigest()
    digest = texts if half is Modality.TEXT_ONLY else photos
    return f"{segment.name}.{digest[:_DIGITS]}.npy"


def load(path: Path, rows: int, width: int | None = None) -> NDArray[np.float16] | None:
    """The array of a cache file as a read-only memory map.

    Args:
        path: the file.
        rows: how many it must have.
        width: numbers a row must have; None: any.

    Returns:
        ``(rows, width)`` float16; None where there is no such file, or it is not of this shape.
    """
    try:
        array = np.load(path, mmap_mode="r" if rows else None, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (ValueError, EOFError):
        _log.warning("features.unreadable", extra={"file": path.name})
        return None
    is_right = array.ndim == 2 and len(array) == rows and width in (None, array.shape[1])
    return array if is_right and array.dtype == np.float16 else None
