"""What the review routes take."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Code = Annotated[int, Field(ge=0, le=2**31 - 1)]


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text holds a NUL character")
    return text


class Decision(BaseModel):
    """Accept a prediction with its current code or with ``prdtypecode``, or reject it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    accept: bool
    prdtypecode: Code | None = None
    reason: Annotated[str, Field(max_length=500), AfterValidator(_storable)] | None = None


class Modification(BaseModel):
    """Another code for a pending prediction."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prdtypecode: Code
