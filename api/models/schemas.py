"""What the model routes give."""

from datetime import datetime

from pydantic import BaseModel


class Weights(BaseModel):
    """What the encoders were loaded from; null where the model has none."""

    text: str | None
    image: str | None


class ChampionRead(BaseModel):
    """The release that answers now.

    ``version`` is the package's sha256, ``weighted_f1`` in [0, 1] was measured by the gate (null where no gate
    was asked), ``codes`` is how many categories it answers in.
    """

    name: str
    version: str
    epoch: int
    weighted_f1: float | None
    promoted_at: datetime
    taxonomy_version: str
    codes: int
    weights: Weights
    run_id: str | None


class CategoryRead(BaseModel):
    """One category."""

    prdtypecode: int
    label: str
    label_fr: str
    theme: str


class ClassesRead(BaseModel):
    """The active taxonomy, ordered by code."""

    taxonomy_version: str
    classes: list[CategoryRead]
