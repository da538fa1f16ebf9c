"""A few products with known answers, as they travel in a model's package."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Product

GOLDEN = "golden.npz"


@dataclass(frozen=True, slots=True)
class GoldenProducts:
    """Raw products and what the model must say of them.

    Attributes:
        products: as sellers sent them, photos sanitised.
        probabilities: ``(n, classes)`` float64, columns in the order of the model's codes.
    """

    products: Sequence[Product]
    probabilities: NDArray[np.float64]


def write_golden(golden: GoldenProducts) -> bytes:
    """Encode as an ``.npz`` without objects: texts as UTF-8, texts and photos each as one run of bytes with lengths.

    A photo that several products show is kept once.
    """
    titles = [product.designation.encode() for product in golden.products]
    bodies = [None if product.description is None else product.description.encode() for product in golden.products]
    photos = sorted({product.image for product in golden.products if product.image is not None})
    shown = [-1 if product.image is None else photos.index(product.image) for product in golden.products]
    out = io.BytesIO()
    np.savez(
        out,
        **_pack("designation", titles),
        **_pack("description", bodies),
        **_pack("image", photos),
        shown=np.array(shown, dtype=np.int64),
        probabilities=golden.probabilities,
    )
    return out.getvalue()


def read_golden(path: Path) -> GoldenProducts:
    """Read what ``write_golden`` encoded.

    Raises:
        KeyError, ValueError: the file holds something else.
    """
    with np.load(path, allow_pickle=False) as stored:
        titles, bodies, photos = (_unpack(stored, name) for name in ("designation", "description", "image"))
        products = [
            Product(
                (title or b"").decode(), None if body is None else body.decode(), photos[shown] if shown >= 0 else None
            )
            for title, body, shown in zip(titles, bodies, stored["shown"].tolist(), strict=True)
        ]
        return GoldenProducts(products, stored["probabilities"])


def _pack(name: str, values: Sequence[bytes | None]) -> dict[str, NDArray[np.generic]]:
    """One array of all bytes and one of lengths, -1 for None."""
    lengths = np.array([-1 if value is None else len(value) for value in values], dtype=np.int64)
    joined = np.frombuffer(b"".join(value or b"" for value in values), dtype=np.uint8)
    return {name: joined, f"{name}_lengths": lengths}


def _unpack(stored: np.lib.npyio.NpzFile, name: str) -> list[bytes | None]:
    joined, lengths = stored[name].tobytes(), stored[f"{name}_lengths"]
    ends = np.cumsum(np.maximum(lengths, 0))
    return [
        None if length < 0 else joined[end - length : end]
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
