"""What a lineage tells."""

from typing import Literal

from pydantic import BaseModel

from core.domain.splits import Split


class LearntModel(BaseModel):
    """The package that answered: under which name, in which epoch, since which epoch it is served, and its run."""

    name: str
    version: str
    epoch: int
    first_epoch: int | None
    run_id: str | None


class ReviewerRows(BaseModel):
    """Rows of a snapshot whose label one person gave, and how many segments they lie in."""

    reviewer: str
    rows: int
    segments: int


class SnapshotRead(BaseModel):
    """What a model learnt from and was measured by.

    ``rows`` are those that count, ``imported`` those of them that no reviewer labelled, ``retracted`` those that no
    longer count, ``segments`` the appends they came in. These are null where the snapshot's file is gone.
    """

    manifest: int
    rows: int | None
    imported: int | None
    retracted: int | None
    segments: int | None
    reviewers: list[ReviewerRows]


class TrainedModel(BaseModel):
    """A released package whose snapshot held the row; ``predictions`` is how many it has answered so far."""

    name: str
    version: str
    first_epoch: int
    manifest: int
    predictions: int


class TrainingRowRead(BaseModel):
    """A row that the product was given in the training store.

    ``since`` is the first manifest that holds it (null: its batch is being written), ``until`` the first that does not
    any more. ``models`` were trained on it where ``use`` is ``learnt``, and judged on it where it is ``measured``.
    """

    segment: str
    row: int
    split: Split | None
    use: Literal["learnt", "measured", "none"]
    since: int | None
    until: int | None
    models: list[TrainedModel]


class LineageRead(BaseModel):
    """A prediction's model, what that learnt from, and the product's own rows with the models that saw them."""

    model: LearntModel
    snapshot: SnapshotRead | None
    training_rows: list[TrainingRowRead]
