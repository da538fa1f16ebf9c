"""The photos of training rows as tensors."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from core.store.rows import TrainingRow
from core.store.segments import IMAGE_SHAPE
from preprocessing.images import BadImage, CorruptImage, ImageFolder, MissingImage, to_tensor
from preprocessing.ingest.parallel import map_in_order


class LostPhoto(Unavailable):
    """A product's stored photo is gone or damaged. Nothing is appended until it is back: zeros would be a lie."""

    code = "ingest.lost_photo"

    def __init__(self, row: TrainingRow, reason: str) -> None:
        super().__init__(f"product {row.product_id} has lost its photo {row.image_sha256}: {reason}")
        self.product_id = row.product_id
        self.image_sha256 = row.image_sha256


def tensors_of(rows: Iterable[TrainingRow], photos: ImageFolder) -> Iterator[NDArray[np.uint8]]:
    """Yield one ``(224, 224, 3)`` uint8 RGB tensor a row, in order; zeros for a product that never had a photo.

    Raises:
        LostPhoto: a photo is missing or damaged.
    """
    return map_in_order(lambda row: tensor_of(row, photos), rows)


def tensor_of(row: TrainingRow, photos: ImageFolder) -> NDArray[np.uint8]:
    """One row's tensor, on the same terms as ``tensors_of``."""
    if not row.image_sha256:
        return np.zeros(IMAGE_SHAPE, np.uint8)
    try:
        return to_tensor(photos.get(row.image_sha256))
    except (MissingImage, CorruptImage, BadImage) as error:
        raise LostPhoto(row, str(error)) from error
