"""A product as every model sees it."""

from dataclasses import dataclass
from enum import StrEnum


class Modality(StrEnum):
    """Which halves of a product an answer was computed from."""

    TEXT_AND_IMAGE = "text+image"
    TEXT_ONLY = "text-only"
    IMAGE_ONLY = "image-only"


@dataclass(frozen=True, slots=True)
class Product:
    """What a seller sent.

    Attributes:
        designation: title as sent; may be empty only for image-only models.
        description: text as sent, or None.
        image: bytes of the *sanitised* photo (``preprocessing.images.sanitise``), or None.
    """

    designation: str
    description: str | None = None
    image: bytes | None = None

    @property
    def modality(self) -> Modality:
        """The halves that are present."""
        if self.image is None:
            return Modality.TEXT_ONLY
        if not (self.designation.strip() or (self.description or "").strip()):
            return Modality.IMAGE_ONLY
        return Modality.TEXT_AND_IMAGE
