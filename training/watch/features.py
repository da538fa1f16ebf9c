"""Cheap features by which windows of products are compared; no model's weights, so that a promotion changes nothing.

A text is its letters (trigrams, hashed), which tell languages, vocabularies and encodings apart, and how long it is. A
photo is the appearance expert's view of it: oriented gradients and colour.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from inference import appearance
from preprocessing.images import to_tensor
from preprocessing.text import clean, compose

_BUCKETS = 1024
_LENGTH_BITS = 12.0  # 4,096 characters count as 1
_TRIGRAMS = HashingVectorizer(
    analyzer="char_wb",
    ngram_range=(3, 3),
    n_features=_BUCKETS,
    alternate_sign=False,
    norm=None,
    lowercase=False,
    dtype=np.float32,
)


def of_texts(texts: Sequence[tuple[str, str | None]]) -> NDArray[np.float32]:
    """Describe titles with their descriptions.

    Returns:
        ``(n, 1026)`` float32: roots of trigram counts (unit length), length, and whether there is a description.
    """
    read = [compose(title, description) for title, description in texts]
    letters = normalize(_TRIGRAMS.transform(read).sqrt()).toarray()
    length = np.log2(1.0 + np.array([len(text) for text in read])) / _LENGTH_BITS
    described = 0.25 * np.array([bool(clean(description or "")) for _, description in texts])
    return np.column_stack([letters, length, described]).astype(np.float32)


def of_photo(photo: bytes) -> NDArray[np.float32]:
    """Describe a sanitised photo.

    Returns:
        ``(3428,)`` float32 in [0, 1].

    Raises:
        BadImage: it is not a complete image.
    """
    return appearance.features(to_tensor(photo)[None])[0].astype(np.float32)
