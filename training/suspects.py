"""Accepted labels that look wrong: rows whose label the model, without having learnt from them, contradicts."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any, Self

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from core.store.rows import TrainingRow

MOST = 500
"""Suspects kept of one training: nobody looks at more before the next."""
_LONGEST_TITLE = 200  # characters


@dataclass(frozen=True, slots=True)
class Suspect:
    """One accepted label that looks wrong.

    Attributes:
        product_id: as in the training store.
        prediction_id: "" for imported products.
        title: as sent, cut.
        given: the accepted code.
        suggested: what the model says of it out of fold.
        quality: how well the label fits, in [0, 1]; the lower, the more likely it is wrong.
    """

    product_id: str
    prediction_id: str
    title: str
    given: int
    suggested: int
    quality: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read back what ``as_dicts`` gave."""
        return cls(**values)


def find_suspects(
    rows: Sequence[TrainingRow],
    labels: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    codes: Sequence[int],
    *,
    most: int = MOST,
) -> list[Suspect]:
    """The accepted labels that cleanlab's confident learning calls wrong, worst first.

    Args:
        rows: what was learnt from.
        labels: ``(n,)`` column of each row's accepted code.
        probabilities: ``(n, columns)`` of each row by a model that has not learnt from it.
        codes: of the columns.
        most: how many to return.
    """
    counts = np.bincount(labels, minlength=len(codes))
    # Confident learning needs every class to show itself, in labels and in what it is compared with.
    shown = np.flatnonzero(counts >= 2)
    kept = np.flatnonzero(np.isin(labels, shown))
    if len(shown) < 2 or not len(kept):
        return []
    inside = probabilities[np.ix_(kept, shown)]
    inside /= np.maximum(inside.sum(axis=1, keepdims=True), 1e-12)
    own = np.searchsorted(shown, labels[kept])
    # One process: forking a process that runs TensorFlow's and BLAS' threads is not safe.
    wrong = find_label_issues(own, inside, filter_by="prune_by_noise_rate", n_jobs=1)
    quality = get_label_quality_scores(own, inside)
    best = inside.argmax(axis=1)
    doubted = np.flatnonzero(wrong & (best != own))
    worst = doubted[np.argsort(quality[doubted], kind="stable")][:most]
    return [
        _suspect(rows[kept[at]], codes[int(shown[own[at]])], codes[int(shown[best[at]])], float(quality[at]))
        for at in worst
    ]


def as_dicts(suspects: Iterable[Suspect]) -> list[dict[str, Any]]:
    """Plain values, for JSON."""
    return [asdict(one) for one in suspects]


def to_csv(suspects: Iterable[Suspect]) -> str:
    """A table for people: spreadsheet formulas in titles are disarmed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(Suspect)])
    writer.writerows([disarm(value) for value in astuple(one)] for one in suspects)
    return out.getvalue()


def _suspect(row: TrainingRow, given: int, suggested: int, quality: float) -> Suspect:
    title = row.designation[:_LONGEST_TITLE]
    return Suspect(row.product_id, row.prediction_id, title, given, suggested, round(quality, 6))


def disarm(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one has an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
