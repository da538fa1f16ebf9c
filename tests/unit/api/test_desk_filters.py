"""What the desk's address asks for becomes what the database is asked."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from api.review.schemas import MOST_IN_HAND
from api.web.review.filters import CardQuery, DeskQuery
from core.db.repositories.predictions import Filter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).replace(tzinfo=None)  # as the database keeps it


def test_an_empty_address_asks_for_everything() -> None:
    query = DeskQuery()
    assert query.to_filter(NOW) == Filter()
    assert not query.is_narrowed


def test_an_order_alone_leaves_nothing_out() -> None:
    assert not DeskQuery.model_validate({"order": "newest"}).is_narrowed


def test_per_cents_become_shares() -> None:
    wanted = DeskQuery(least=20, most=85).to_filter(NOW)
    assert (wanted.min_confidence, wanted.max_confidence) == (0.2, 0.85)


def test_a_bound_of_nought_is_a_bound() -> None:
    query = DeskQuery(most=0)
    assert query.to_filter(NOW).max_confidence == 0
    assert query.is_narrowed


def test_days_of_waiting_become_a_moment() -> None:
    assert DeskQuery(days=3).to_filter(NOW).created_until == NOW - timedelta(days=3)


def test_what_a_view_adds_holds_as_well() -> None:
    assert DeskQuery(code=10).to_filter(NOW, second_opinion=True) == Filter(code=10, second_opinion=True)


@pytest.mark.parametrize("asked", [{"least": 101}, {"days": 0}, {"order": "updated"}, {"colour": "red"}])
def test_what_no_filter_says_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DeskQuery.model_validate(asked)


def test_no_more_is_named_than_the_queue_takes() -> None:
    product = "01a20170-489a-74c6-82ff-e9d13cd8271a"
    assert CardQuery(besides=[product] * MOST_IN_HAND)
    with pytest.raises(ValidationError):
        CardQuery(besides=[product] * (MOST_IN_HAND + 1))
