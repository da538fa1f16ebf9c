"""What days of a loop add up to."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.trends import Answers, Backlog, Day, Decision, answers_by_model, backlogs, day_of, override_rate

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - as the database keeps it


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def decision(action: str = "validate", *, agrees: bool = True, waited: timedelta = timedelta(hours=1)) -> Decision:
    return Decision(NOON - waited, NOON, action, agrees)


def answers(version: str, rows: int, *, epoch: int = 1, code: int = 10, tenth: int = 8) -> Answers:
    return Answers("fusion", version, epoch, code, tenth, rows)


def test_a_day_counts_its_verdicts_and_how_long_products_had_waited() -> None:
    hours = [decision(waited=timedelta(hours=n)) for n in (1, 2, 9)]
    found = day_of(TODAY, [answers("a", 4)], [*hours, decision(agrees=False), decision("undo")])
    assert (found.sent, found.decided("validate"), found.overridden, found.decided("undo")) == (4, 4, 1, 1)
    assert found.median_age_s == 1.5 * 3600
    assert found.left == {TODAY: 3}


def test_what_comes_back_and_leaves_again_has_left_once() -> None:
    assert day_of(TODAY, [], [decision(), decision("undo"), decision("reject")]).left == {TODAY: 1}
    assert day_of(TODAY, [], [decision(), decision("undo")]).left == {}


def test_a_day_without_verdicts_has_no_age_and_no_override_rate() -> None:
    assert day_of(TODAY, [], []).median_age_s is None
    assert override_rate([Day(TODAY)]) is None


def test_only_accepted_products_can_be_overridden() -> None:
    day = day_of(TODAY, [], [decision(), decision(), decision(agrees=False), decision("reject", agrees=False)])
    rate = override_rate([day])
    assert rate is not None
    assert rate.value == 1 / 3
    assert 0 < rate.low < rate.value < rate.high < 1


def test_yesterdays_queue_is_todays_with_what_left_it_today_and_without_what_came_today() -> None:
    days = [Day(ago(1)), Day(TODAY, left={ago(3): 2, TODAY: 1})]
    pending = {ago(1): 5, TODAY: 7}
    assert backlogs(days, pending) == [Backlog(7, 2, 0), Backlog(12, 1, 0)]


def test_a_product_that_came_back_was_not_in_the_queue_before() -> None:
    days = [Day(ago(1)), Day(TODAY, left={ago(1): -1})]
    assert [one.rows for one in backlogs(days, {ago(1): 1})] == [0, 1]


def test_an_empty_queue_has_no_age() -> None:
    assert backlogs([Day(TODAY)], {}) == [Backlog(0, 0, 0)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=60))
def test_the_queue_of_every_day_is_what_had_been_sent_and_not_decided(lives: list[tuple[int, int]]) -> None:
    """Each product is sent so many days ago and decided so many days later, or waits still."""
    spans = [(ago(sent), ago(sent - after) if after <= sent else None) for sent, after in lives]
    days = [
        day_of(ago(n), [], [Decision(_at(sent), _at(end), "validate", True) for sent, end in spans if end == ago(n)])
        for n in range(9, -1, -1)
    ]
    pending: dict[date, int] = {}
    for sent, end in spans:
        if end is None:
            pending[sent] = pending.get(sent, 0) + 1
    for day, found in zip(days, backlogs(days, pending), strict=True):
        waiting = [sent for sent, end in spans if sent <= day.day and (end is None or end > day.day)]
        assert found.rows == len(waiting)
        assert found.oldest_days == max(((day.day - sent).days for sent in waiting), default=0)


def _at(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def test_models_are_told_newest_release_first_and_only_where_they_answered_enough() -> None:
    day = Day(TODAY, (answers("old", 40), answers("new", 20, epoch=2), answers("new", 20, epoch=2, code=40, tenth=9)))
    tried = Day(ago(1), (answers("tried", 3, epoch=3),))
    newest, older = answers_by_model([tried, day], at_least=30, most=4)
    assert (newest.version, newest.rows, newest.classes) == ("new", 40, {10: 20, 40: 20})
    assert newest.confidence == (0, 0, 0, 0, 0, 0, 0, 0, 20, 20)
    assert older.version == "old"
    assert [one.version for one in answers_by_model([tried, day], at_least=1, most=1)] == ["tried"]
