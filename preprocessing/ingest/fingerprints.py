"""What makes two products copies of one another: the same words, or the same photo."""

from core.domain.clusters import fingerprint
from preprocessing.text import normalised


def fingerprints_of(
    product_id: str, designation: str, description: str | None, image_sha256: str | None
) -> tuple[str, ...]:
    """The product's fingerprints, at least one; ``image_sha256`` is that of the sanitised photo.

    A product without words and without a photo is a copy of nothing but itself.
    """
    marks = []
    if words := normalised(designation, description):
        marks.append(fingerprint("t", words))
    if image_sha256:
        marks.append(f"i:{image_sha256}")
    return tuple(marks) or (fingerprint("p", product_id),)
