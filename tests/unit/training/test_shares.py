"""Shares that were counted: intervals and comparisons against values known from elsewhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.shares import wilson
from training.shares import Share, chance_of_rise


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (15, 148, 0.0624, 0.1605)],
)
def test_the_interval_is_wilson_s(hits: int, rows: int, low: float, high: float) -> None:
    assert wilson(hits, rows) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 10_000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_the_share_lies_in_its_interval_and_the_interval_in_the_unit(counted: tuple[int, int]) -> None:
    share = Share(*counted)
    low, high = share.interval
    assert 0 <= low <= high <= 1
    assert not share.rows or low <= share.value <= high


def test_nothing_counted_is_nothing_known() -> None:
    assert math.isnan(Share(0, 0).value)
    assert Share(0, 0).interval == (0.0, 1.0)
    assert chance_of_rise(Share(0, 0), Share(5, 5)) == 1.0


def test_a_share_of_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: 3 of 2"):
        Share(3, 2)


def test_the_lady_who_tastes_tea() -> None:
    """Fisher's own table: 3 of 4 against 1 of 4."""
    assert chance_of_rise(Share(1, 4), Share(3, 4)) == pytest.approx(17 / 70)
    assert chance_of_rise(Share(3, 4), Share(1, 4)) == pytest.approx(69 / 70)


def test_the_more_was_counted_the_surer_the_same_rise() -> None:
    few, many = (chance_of_rise(Share(n, 10 * n), Share(2 * n, 10 * n)) for n in (3, 30))
    assert few > 0.2
    assert many < 0.001
