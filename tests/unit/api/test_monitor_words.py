"""What the monitor says of a loop, in both languages."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.trends.service import Needs, Trends
from api.trends.stages import Standing
from api.web.monitor import answers, history, standing
from api.web.texts import LANGUAGES, texts_in
from core.db.repositories.loop_status import Run
from core.db.repositories.trends import Pending
from core.domain.loop_state import Stage, State
from core.domain.trends import Backlog, Day, ModelAnswers

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENGLISH = texts_in("en")


def trends(**states: State) -> Trends:
    """A loop in which nothing has happened, its stages in these states."""
    return Trends(
        at=NOW,
        days=[Day(date(2026, 11, 20))],
        backlogs=[Backlog(0, 0, 0)],
        pending=Pending({}, None, None, None),
        models=[],
        readings=[],
        latency=[],
        latency_since=NOW,
        stages=[Standing(stage, 0, 0.0, states.get(stage, State.WELL)) for stage in Stage],
        needs=Needs(0, 0, 0, None),
        runs={},
    )


def run(**came: Any) -> Run:
    return Run(NOW.replace(tzinfo=None), came)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_words_for_every_state(language: str, stage: Stage, state: State) -> None:
    texts = texts_in(language)
    found = trends(**{stage.value: state})
    shown = {one.stage: one for one in standing.stages_of(found, texts)}[stage]
    assert shown.name
    assert shown.word == texts(f"monitor.state_{state}")
    assert (shown.name in standing.summary(found, 0, texts)[0]) == (state in (State.SLOW, State.STUCK))


def test_what_does_not_move_is_told_before_what_alarms_and_what_is_slow() -> None:
    stuck = trends(append=State.STUCK, review=State.SLOW)
    assert standing.summary(stuck, 2, ENGLISH) == ("The loop does not move at: Accepted.", "bad")
    slow = trends(review=State.SLOW)
    assert standing.summary(slow, 1, ENGLISH) == ("The loop moves, but 1 alarm lasts.", "bad")
    assert standing.summary(slow, 0, ENGLISH) == ("The loop moves, but is behind at: Review.", "warn")


def test_a_broken_store_is_said_and_asks_for_somebody() -> None:
    found = replace(trends(), runs={"check": run(complete=True, violations={"I2": 1})})
    assert standing.summary(found, 0, ENGLISH)[1] == "bad"
    assert [need.tone for need in standing.needs_of(found, ENGLISH)] == ["bad"]
    assert "broken: I2" in {one.came for one in standing.runs_of(found, ENGLISH)}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "less than a minute"), (60, "1 minute"), (7199, "119 minutes"), (7200, "2 hours"), (172_800, "2 days")],
)
def test_ages_are_told_in_the_largest_unit_of_which_there_are_several(seconds: float, words: str) -> None:
    assert standing.duration(seconds, ENGLISH) == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_nothing_to_draw_and_is_said(language: str) -> None:
    charts = history.charts_of(trends(), texts_in(language)) + answers.charts_of(trends(), texts_in(language), str)
    assert [chart.id for chart in charts if not chart.is_empty] == []
    assert all(chart.finding for chart in charts)


def test_the_category_that_moved_most_between_two_models_is_named() -> None:
    newer = ModelAnswers("fusion", "b" * 64, 100, (0,) * 9 + (100,), {10: 60, 40: 40})
    older = ModelAnswers("fusion", "a" * 64, 100, (0,) * 9 + (100,), {10: 45, 40: 45, 50: 10})
    (chart,) = (one for one in _charts(newer, older) if one.id == "classes")
    assert chart.finding.endswith("category 10, from 45.0% to 60.0% of the answers.")
    (chart,) = (one for one in _charts(newer, newer) if one.id == "classes")
    assert "about as often" in chart.finding


def _charts(*models: ModelAnswers) -> list[Any]:
    return answers.charts_of(replace(trends(), models=list(models)), ENGLISH, lambda code: f"category {code}")


@pytest.mark.parametrize(
    ("age_s", "unit", "value"), [(12, "seconds", 12), (90, "minutes", 1.5), (7200, "hours", 2), (172_800, "days", 2)]
)
def test_a_young_shop_tells_its_ages_in_a_unit_that_shows_them(age_s: float, unit: str, value: float) -> None:
    found = replace(trends(), days=[Day(date(2026, 11, 20), median_age_s=age_s)])
    (chart,) = (one for one in history.charts_of(found, ENGLISH) if one.id == "ages")
    assert chart.title == f"How long products wait, in {unit}"
    assert [list(one.values) for one in chart.series] == [[None], [None], [value]]
