"""What the reserve gives."""

from typing import Self

from pydantic import BaseModel

from core.reserve import Spare


class SuggestedProduct(BaseModel):
    """A product to send as one's own: ``image`` is the path of its photo, null where it has none."""

    designation: str
    description: str | None
    image: str | None

    @classmethod
    def of(cls, spare: Spare) -> Self:
        """Render a product of the reserve."""
        return cls(
            designation=spare.designation,
            description=spare.description or None,
            image=f"/reserve/images/{spare.image_sha256}" if spare.image_sha256 else None,
        )
