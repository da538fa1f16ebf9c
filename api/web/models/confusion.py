"""The confusion table as a heat map: per cent of each row, or what changed between two models."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.models.evaluation import EvaluationRead

_SHADES = 10
_CHANGED = 0.5  # points: less is written as nothing
_STRONG = 10.0


class Shown(StrEnum):
    """Whose answers the table shows."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Cell:
    """``share`` is per cent of the row, or points of change; None is shown as nothing. ``kind`` is its CSS class."""

    share: float | None
    kind: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """The products of one category: how many, and what was answered, column by column."""

    code: int
    support: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """``codes`` are the columns; a category that is neither true nor answered is in no row and no column."""

    shown: Shown
    choices: Sequence[Shown]
    codes: Sequence[int]
    rows: Sequence[HeatRow]


def heat_map(found: EvaluationRead, shown: Shown) -> HeatMap | None:
    """None where no tables were kept, or not of the champion although it is asked for."""
    new, old = found.challenger.confusion, found.champion.confusion if found.champion else None
    asked = {Shown.CHALLENGER: [new], Shown.CHAMPION: [old], Shown.DIFFERENCE: [new, old]}[shown]
    tables = [table for table in asked if table is not None]
    if len(tables) < len(asked):
        return None
    every = [one for one in (new, old) if one is not None]
    places = [at for at in range(len(found.classes)) if any(_occurs(table, at) for table in every)]
    codes = [one.prdtypecode for one in found.classes]
    return HeatMap(
        shown=shown,
        choices=list(Shown) if old is not None else [Shown.CHALLENGER],
        codes=[codes[at] for at in places],
        rows=[
            HeatRow(codes[row], found.classes[row].support, [_cell(tables, row, column) for column in places])
            for row in places
            if found.classes[row].support
        ],
    )


def _occurs(table: Sequence[Sequence[int]], at: int) -> bool:
    return any(table[at]) or any(row[at] for row in table)


def _cell(tables: Sequence[Sequence[Sequence[int]]], row: int, column: int) -> Cell:
    shares = [100 * table[row][column] / max(sum(table[row]), 1) for table in tables]
    if len(shares) == 1:
        return _shaded(shares[0])
    return _changed(shares[0] - shares[1], is_right=row == column)


def _shaded(share: float) -> Cell:
    if not share:
        return Cell(None, "heat-0")
    return Cell(share, f"heat-{max(1, min(_SHADES, round(share / _SHADES)))}")


def _changed(change: float, *, is_right: bool) -> Cell:
    """More right answers are better, and so are fewer wrong ones."""
    if abs(change) < _CHANGED:
        return Cell(None, "heat-0")
    kind = "better" if (change > 0) == is_right else "worse"
    return Cell(change, f"{kind} strong" if abs(change) >= _STRONG else kind)
