"""Figures of one training for the tracking server. No global state: nothing here opens a window."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def confusion(truth: NDArray[np.int64], answered: NDArray[np.int64], codes: Sequence[int]) -> Figure:
    """Share of each true class (row) that was answered as each class (column), both in the order of ``codes``."""
    place = {code: index for index, code in enumerate(codes)}
    counts = np.zeros((len(codes), len(codes)))
    np.add.at(counts, ([place[int(code)] for code in truth], [place[int(code)] for code in answered]), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(10, 9), layout="tight")
    axes = figure.add_subplot()
    figure.colorbar(axes.imshow(shares, vmin=0, vmax=1, cmap="Blues"), shrink=0.8)
    axes.set_xticks(range(len(codes)), [str(code) for code in codes], rotation=90)
    axes.set_yticks(range(len(codes)), [str(code) for code in codes])
    axes.set(xlabel="answered", ylabel="true", title=f"Confusion on {len(truth)} rows")
    return figure


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 15) -> Figure:
    """How often answers of each confidence are right; a calibrated model lies on the diagonal."""
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    rows = np.bincount(place, minlength=bins)
    used = rows > 0
    said = np.bincount(place, confidences, bins)[used] / rows[used]
    found = np.bincount(place, right.astype(float), bins)[used] / rows[used]
    figure = Figure(figsize=(6, 6), layout="tight")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--")
    axes.scatter(said, found, s=20 + 400 * rows[used] / rows.sum(), clip_on=False)
    axes.set(xlabel="confidence", ylabel="share right", title="Reliability (area: rows)", xlim=(0, 1), ylim=(0, 1))
    return figure


def class_scores(codes: Sequence[int], challenger: Sequence[float], champion: Sequence[float] | None) -> Figure:
    """F1 of each class, the champion's beside it where there is one."""
    places = np.arange(len(codes))
    figure = Figure(figsize=(max(6.0, 0.4 * len(codes)), 4.5), layout="tight")
    axes = figure.add_subplot()
    if champion is not None:
        axes.bar(places - 0.2, champion, 0.4, label="champion", color="lightgrey")
    axes.bar(places + (0.2 if champion is not None else 0), challenger, 0.4, label="challenger")
    axes.set_xticks(places, [str(code) for code in codes], rotation=90)
    axes.set(ylabel="F1", ylim=(0, 1), title="F1 by class")
    axes.legend(loc="lower left", bbox_to_anchor=(1, 0))
    return figure


def training_curves(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Every curve over its epochs."""
    figure = Figure(figsize=(8, 5), layout="tight")
    axes = figure.add_subplot()
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", title="Training")
    axes.legend()
    return figure
