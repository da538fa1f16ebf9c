"""A model beside the champion of the day it was judged: rows of tables, and where the marks of drawings stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.models.evaluation import ClassRead, EvaluationRead

SCORES = ("weighted_f1", "macro_f1", "accuracy", "calibration_error")
_LOWER_IS_BETTER = {"calibration_error", "latency"}
_MARGIN = 0.15  # of the drawing, left and right of its marks
_UNSURE = 0.0005  # a difference that the page writes as 0.0 points


@dataclass(frozen=True, slots=True)
class Measure:
    """One score of both; ``is_better`` is None where nothing can be said.

    ``change`` is the challenger's minus the champion's; seconds for ``latency``.
    """

    name: str
    challenger: float | None
    champion: float | None
    change: float | None
    is_better: bool | None
    lower_is_better: bool


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval in a drawing: where its ends and its point stand, in per cent of the width."""

    low: float
    point: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The 95 % intervals of weighted F1 of both on one scale, which goes from ``least`` to ``most``."""

    challenger: Whisker
    champion: Whisker | None
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The difference in a drawing: its 90 % interval and where zero stands, in per cent of the width."""

    whisker: Whisker
    zero: float


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A category; ``bar`` is the change in per cent of half a bar's length, ``interval`` the challenger's."""

    code: int
    support: int
    challenger: float
    interval: tuple[float, float] | None
    champion: float | None
    change: float | None
    bar: float


def measures(found: EvaluationRead) -> Iterator[Measure]:
    """Scores and speed, most important first."""
    new, old = found.challenger, found.champion
    for name in SCORES:
        yield _measure(name, new.scores.get(name), old.scores.get(name) if old else None)
    yield _measure("latency", new.latency_s, old.latency_s if old else None)


def _measure(name: str, new: float | None, old: float | None) -> Measure:
    lower = name in _LOWER_IS_BETTER
    change = new - old if new is not None and old is not None else None
    is_better = None if change is None or abs(change) < _UNSURE else (change < 0) == lower
    return Measure(name, new, old, change, is_better, lower)


def spread(found: EvaluationRead) -> Spread | None:
    """None where the intervals were not kept."""
    sides = [figures.scores for figures in (found.challenger, found.champion) if figures]
    triples = [[side.get(f"weighted_f1{end}") for end in (".low", "", ".high")] for side in sides]
    if any(value is None for triple in triples for value in triple):
        return None
    scale = _Scale([value for triple in triples for value in triple if value is not None])
    drawn = [Whisker(*(scale.place(value) for value in triple if value is not None)) for triple in triples]
    return Spread(drawn[0], drawn[1] if len(drawn) > 1 else None, scale.least, scale.most)


def gap(found: EvaluationRead) -> Gap | None:
    """None where nothing was compared."""
    between = found.difference
    if between is None:
        return None
    scale = _Scale([between.low, between.observed, between.high, 0.0])
    marks = (scale.place(value) for value in (between.low, between.observed, between.high))
    return Gap(Whisker(*marks), scale.place(0.0))


class _Scale:
    """From values to per cent of a drawing's width."""

    def __init__(self, values: Sequence[float]) -> None:
        self.least, self.most = min(values), max(values)
        self._width = max(self.most - self.least, 1e-6)

    def place(self, value: float) -> float:
        share = (value - self.least) / self._width
        return round(100 * (_MARGIN + share * (1 - 2 * _MARGIN)), 2)


def class_rows(found: EvaluationRead | None, report: Mapping[str, Any]) -> list[ClassRow]:
    """Every category, those that change most first; from the gate's ``report`` where no evaluation is kept."""
    rows = list(_of_evaluation(found.classes)) if found else list(_of_gate(report))
    widest = max((abs(row[3]) for row in rows if row[3] is not None), default=0.0) or 1.0
    made = [
        ClassRow(code, support, new, interval, old, change, round(50 * (change or 0.0) / widest, 2))
        for code, support, (new, interval, old), change in rows
    ]
    return sorted(made, key=lambda row: (-abs(row.change or 0.0), row.code))


_Values = tuple[float, tuple[float, float] | None, float | None]


def _of_evaluation(classes: Sequence[ClassRead]) -> Iterator[tuple[int, int, _Values, float | None]]:
    for one in classes:
        new, old = one.challenger, one.champion
        change = new.f1 - old.f1 if old else None
        yield one.prdtypecode, one.support, (new.f1, (new.low, new.high), old.f1 if old else None), change


def _of_gate(report: Mapping[str, Any]) -> Iterator[tuple[int, int, _Values, float | None]]:
    compared = (report.get("evidence") or {}).get("comparison") or {}
    for one in compared.get("classes", ()):
        new, old = one["challenger_f1"], one["champion_f1"]
        yield one["code"], one["support"], (new, None, old), new - old
