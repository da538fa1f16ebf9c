"""Figures of trainings and judgements for the tracking server. No global state: nothing here opens a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import NDArray

from training.calibration import Reliability
from training.evaluate import ClassScore

_LONGEST_NAME = 26  # characters of a category's name on an axis
_CHALLENGER, _CHAMPION = "#2563a8", "#b9b4ab"
_REFERENCE = "#b3541e"


@dataclass(frozen=True, slots=True)
class Scored:
    """A weighted F1 in [0, 1] with its 95 % interval, and what it is of."""

    name: str
    weighted_f1: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """One point of the learning curve: what a training scored, and from how many rows.

    Attributes:
        rows: learnt from.
        manifest: number of the snapshot.
        weighted_f1: on the rows it was judged on then.
        low: of its 95 % interval.
        high: likewise.
    """

    rows: int
    manifest: int
    weighted_f1: float
    low: float
    high: float


def confusion(table: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """Share of each true class (row) that was answered as each class (column), both in the order of ``names``."""
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    side = max(5.0, 2.5 + 0.3 * len(names))
    figure = Figure(figsize=(side + 1, side), layout="tight")
    axes = figure.add_subplot()
    figure.colorbar(axes.imshow(shares, vmin=0, vmax=1, cmap="Blues"), shrink=0.7, label="share of the true class")
    axes.set_xticks(range(len(names)), fitting(names), rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), fitting(names), fontsize=8)
    for row, column in np.argwhere(shares >= 0.1) if len(names) <= 40 else ():
        shade = "white" if shares[row, column] > 0.6 else "black"
        text = f"{100 * shares[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=6, color=shade)
    axes.set(xlabel="answered", ylabel="true", title=f"Confusion on {int(table.sum())} products (per cent of a row)")
    return figure


def reliability(found: Reliability) -> Figure:
    """How often answers of each confidence are right, over the band in which an honest model would lie."""
    used = found.rows > 0
    figure = Figure(figsize=(6, 6), layout="tight")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    said, order = found.said[used], np.argsort(found.said[used])
    band = (said[order], found.low[used][order], found.high[used][order])
    axes.fill_between(*band, color=_CHAMPION, alpha=0.4, label="95 of 100 honest models")
    sizes = 20 + 400 * found.rows[used] / found.rows.sum()
    axes.scatter(said, found.found[used], s=sizes, color=_CHALLENGER, clip_on=False, label="answers (area: how many)")
    title = f"Calibration error {found.error:.3f}; an honest model has {found.honest_error:.3f}"
    axes.set(xlabel="confidence", ylabel="share right", title=title, xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    return figure


def class_scores(names: Sequence[str], scores: Sequence[ClassScore], champion: Sequence[ClassScore] | None) -> Figure:
    """F1 of each class with its interval, the champion's as a tick beside it where there is one."""
    places = np.arange(len(names))
    figure = Figure(figsize=(8, max(3.0, 1.2 + 0.3 * len(names))), layout="tight")
    axes = figure.add_subplot()
    f1 = np.array([one.f1 for one in scores])
    spread = np.array([[one.f1 - one.low, one.high - one.f1] for one in scores]).T.clip(min=0)
    axes.barh(places, f1, 0.7, xerr=spread, color=_CHALLENGER, ecolor="#10243c", capsize=2, label="challenger")
    if champion is not None:
        before = [one.f1 for one in champion]
        axes.plot(before, places, "D", color=_CHAMPION, markeredgecolor="black", markersize=5, label="champion")
    labels = [f"{name} ({one.support})" for name, one in zip(fitting(names), scores, strict=True)]
    axes.set_yticks(places, labels, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    axes.set(xlabel="F1 (95 % interval)", xlim=(0, 1), title="F1 by category (products of it)")
    axes.legend(loc="lower right")
    return figure


def learning_curve(points: Sequence[Learnt], references: Mapping[str, float]) -> Figure:
    """What each training scored over how many rows it learnt from; every one on the hold-out of its own day."""
    ordered = sorted(points, key=lambda point: (point.rows, point.manifest))
    figure = Figure(figsize=(8, 5), layout="tight")
    axes = figure.add_subplot()
    rows, f1 = [one.rows for one in ordered], np.array([one.weighted_f1 for one in ordered])
    spread = np.array([[one.weighted_f1 - one.low, one.high - one.weighted_f1] for one in ordered]).T.clip(min=0)
    axes.errorbar(rows, f1, yerr=spread, marker="o", capsize=3, color=_CHALLENGER)
    for one in ordered:
        point = (one.rows, one.weighted_f1)
        axes.annotate(f" {one.manifest}", point, fontsize=8, textcoords="offset points", xytext=(4, 4))
    _draw_references(axes, references, across=True)
    axes.set(xlabel="rows learnt from (label: snapshot)", ylabel="weighted F1", title="Learning curve")
    return figure


def models(scored: Sequence[Scored], references: Mapping[str, float]) -> Figure:
    """Weighted F1 of several models with intervals, best on top."""
    ordered = sorted(scored, key=lambda one: one.weighted_f1)
    figure = Figure(figsize=(8, max(2.5, 1.2 + 0.4 * len(ordered))), layout="tight")
    axes = figure.add_subplot()
    f1 = np.array([one.weighted_f1 for one in ordered])
    spread = np.array([[one.weighted_f1 - one.low, one.high - one.weighted_f1] for one in ordered]).T.clip(min=0)
    axes.barh([one.name for one in ordered], f1, 0.7, xerr=spread, color=_CHALLENGER, ecolor="#10243c", capsize=3)
    _draw_references(axes, references, across=False)
    axes.set(xlabel="weighted F1 (95 % interval)", xlim=(0, 1), title="Models on the same products")
    return figure


def training_curves(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Every loss and every share of right answers over its epochs."""
    figure = Figure(figsize=(12, 5), layout="tight")
    losses, shares = figure.subplots(1, 2)
    for name, values in curves.items():
        if not name.endswith("learning_rate"):
            (losses if name.endswith("loss") else shares).plot(range(1, len(values) + 1), values, label=name)
    losses.set(xlabel="epoch", title="Training: loss")
    shares.set(xlabel="epoch", title="Training: accuracy", ylim=(0, 1))
    for axes in (losses, shares):
        if axes.lines:
            axes.legend()
    return figure


def _draw_references(axes: Axes, references: Mapping[str, float], *, across: bool) -> None:
    for name, score in references.items():
        style = {"color": _REFERENCE, "linestyle": ":", "label": f"{name}: {score}"}
        (axes.axhline if across else axes.axvline)(score, **style)
    if references:
        axes.legend(loc="lower right")


def fitting(names: Sequence[str]) -> list[str]:
    """Names that fit an axis; of one that the font cannot write, the first word: its code."""
    written = [name if _can_write(name) else name.split(" ")[0] for name in names]
    return [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in written]


def _can_write(name: str) -> bool:
    font = get_font(findfont(FontProperties()))
    return all(font.get_char_index(ord(letter)) for letter in name)
