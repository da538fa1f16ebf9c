"""The preprocessing a package was trained with, saved inside it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from core.errors import Unavailable
from preprocessing.images import IMAGE_SIZE, RESIZE_RULE
from preprocessing.text import TEXT_RULE


class UnsupportedPreprocessing(Unavailable):
    """A package asks for a preprocessing that this version of the code does not do."""

    code = "package.unsupported_preprocessing"


@dataclass(frozen=True, slots=True)
class PreprocessingSpec:
    """How raw text and photos become a model's inputs.

    Attributes:
        image_size: side of the square image tensor, in pixels.
        resize_rule: name of the rule in ``preprocessing.images`` that fits a photo into the square.
        text_rule: name of the rule in ``preprocessing.text`` that cleans and composes text.
        max_tokens: tokens a text encoder reads of each text, special ones included.
    """

    image_size: int = IMAGE_SIZE
    resize_rule: str = RESIZE_RULE
    text_rule: str = TEXT_RULE
    max_tokens: int = 64

    def to_dict(self) -> dict[str, int | str]:
        """Return the plain form that ``spec.json`` holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the plain form back and check that this code does what it names.

        Raises:
            UnsupportedPreprocessing: a field is missing or unknown, or names another rule or size.
        """
        if set(values) != {field.name for field in fields(cls)}:
            raise UnsupportedPreprocessing(f"preprocessing fields differ. Received: {sorted(values)}")
        spec = cls(**values)
        done_here = (IMAGE_SIZE, RESIZE_RULE, TEXT_RULE)
        if (spec.image_size, spec.resize_rule, spec.text_rule) != done_here:
            raise UnsupportedPreprocessing(f"this code does {done_here}. Received: {dict(values)}")
        return spec
