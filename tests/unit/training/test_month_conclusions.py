"""What a month's report concludes from its figures: each rule on a month that was made up for it."""

from dataclasses import replace
from datetime import datetime

import pytest

from core.db.repositories.monthly import Archived, LabelEvent
from tests.toys import months
from tests.toys.months import OCTOBER, accepted, facts, flow
from training.report.month import conclusions
from training.report.month.conclusions import recommend, worse_categories
from training.report.month.facts import BadMonth, Facts, Month, Reading, by_answer, by_week, overrides, standing
from training.shares import Share

MOMENT = datetime(2026, 10, 5, 12)  # noqa: DTZ001 - as the database keeps it


def said(month: Facts) -> str:
    return " ".join(conclusions.conclusions(month))


def event(product: str, action: str, code: int = 10) -> LabelEvent:
    return LabelEvent(product, action, code, MOMENT, 10, 0.9, months.SERVED)


# --- months and labels ----------------------------------------------------------------------------------------------


def test_months_follow_one_another_over_the_year() -> None:
    assert str(Month(2026, 12).next) == "2027-01"
    assert str(Month(2027, 1).before) == "2026-12"
    assert Month.parse("2026-10") == OCTOBER
    assert (OCTOBER.since, OCTOBER.until) == (datetime(2026, 10, 1), datetime(2026, 11, 1))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "1999-01", "october", "2026-10-01", "", "../2026-10"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(BadMonth, match="YYYY-MM"):
        Month.parse(text)


def test_a_label_counts_once_by_its_last_word() -> None:
    labels = standing(
        [
            event("a", "validate"),
            event("a", "undo"),
            event("a", "validate", 40),
            event("b", "validate"),
            event("b", "undo"),
        ]
    )
    assert [(one.code, one.is_override) for one in labels] == [(40, True)]


def test_a_corrected_label_counts_with_its_correction_and_a_retracted_one_not_at_all() -> None:
    labels = standing(
        [event("a", "validate"), event("a", "correct", 40), event("b", "validate"), event("b", "retract")]
    )
    assert [one.code for one in labels] == [40]


def test_a_correction_of_an_earlier_month_s_label_is_not_this_month_s() -> None:
    assert standing([event("a", "correct", 40)]) == []


def test_weeks_begin_on_monday_and_answers_are_counted_by_what_the_model_said() -> None:
    labels = standing([event("a", "validate"), event("b", "validate", 40)])
    assert by_week(labels) == {datetime(2026, 10, 5): Share(1, 2)}  # noqa: DTZ001
    assert by_answer(labels) == {10: Share(1, 2)}


# --- the verdict ----------------------------------------------------------------------------------------------------


def test_a_month_like_the_one_before_asks_for_nothing() -> None:
    verdict = recommend(facts())
    assert not verdict.retrain
    assert verdict.sentence.startswith("No retraining needed")


def test_a_higher_override_rate_asks_for_a_retraining_and_says_why() -> None:
    verdict = recommend(facts(wrong=0.25))
    assert verdict.retrain
    assert verdict.sentence.startswith("Retrain because people replaced 2")


def test_an_accuracy_surely_below_what_is_expected_asks_for_a_retraining() -> None:
    verdict = recommend(facts(wrong=0.4, earlier=0.4))
    assert verdict.reasons[0].startswith("only")
    assert "surely below the 70.0 %" in verdict.sentence


def test_an_accuracy_that_may_be_as_expected_asks_for_nothing() -> None:
    assert not recommend(facts(wrong=0.27, earlier=0.27)).retrain
    # 69 % of 300 may be the luck of a model that is right in 70 %.
    rows = [replace(one, code=10 if n < 207 else 40, suggested=10) for n, one in enumerate(accepted(OCTOBER, 300, 0.0))]
    assert not recommend(facts(now=flow(OCTOBER, rows), before=flow(OCTOBER.before, rows))).retrain


def test_one_category_that_became_worse_is_named() -> None:
    verdict = recommend(facts(worse={2403: 0.6}))
    assert "answers became worse in 2403 Magazines and comics" in verdict.sentence
    assert "2403 Magazines and comics (" in said(facts(worse={2403: 0.6}))


def test_answers_of_a_model_that_is_not_served_any_more_ask_for_nothing() -> None:
    old = accepted(OCTOBER, 900, 0.6, version="a" * 64)
    verdict = recommend(facts(now=flow(OCTOBER, old)))
    assert not verdict.retrain
    assert "0 answers of the model that is served now" in verdict.sentence


def test_too_few_verdicts_conclude_nothing() -> None:
    few = flow(OCTOBER, accepted(OCTOBER, 49, 0.9))
    assert not recommend(facts(now=few)).retrain
    assert recommend(facts(now=flow(OCTOBER, accepted(OCTOBER, 50, 0.9)))).retrain


def test_before_the_first_model_nothing_is_asked_for() -> None:
    assert not recommend(facts(champion=None, wrong=0.9)).retrain


def test_months_in_which_nothing_changed_ask_for_a_retraining_as_rarely_as_promised() -> None:
    """1 % is promised of all three questions together; exact tests keep well below it."""
    month, asked = facts(), 0
    for seed in range(1, 81):
        after, before = (accepted(OCTOBER, 300, 0.12, seed=one) for one in (seed, seed + 1000))
        asked += recommend(
            replace(month, now=replace(month.now, accepted=after), before=replace(month.before, accepted=before))
        ).retrain
    assert asked <= 3


def test_a_category_with_few_answers_is_not_called_worse() -> None:
    before = [one for one in accepted(OCTOBER.before, 800, 0.0) if one.suggested == 10]
    after = [replace(one, code=40) for one in before]
    assert worse_categories(before[:19], after[:19], 0.05) == []
    assert [one.code for one in worse_categories(before[:20], after[:20], 0.05)] == [10]


# --- sentences ------------------------------------------------------------------------------------------------------


def test_a_rise_that_chance_explains_is_called_so() -> None:
    assert "chance explains the difference" in said(facts(wrong=0.1, earlier=0.1))
    assert "rose by more than chance explains" in said(facts(wrong=0.3))
    assert "fell by more than chance explains" in said(facts(earlier=0.3))


def test_a_month_in_which_nothing_happened_is_told_without_a_figure_missing() -> None:
    nobody = flow(OCTOBER, [], products=0)
    empty = replace(nobody, sent=[], decided=[], waiting=[], senders=0)
    told = said(
        facts(
            now=empty,
            before=replace(empty, month=OCTOBER.before),
            batches=[],
            rows=None,
            judgements=[],
            moves=[],
            wishes=[],
            feedback={},
            archived=Archived(0, 0, 0),
            champion=None,
            readings=[],
            rooms=[],
        )
    )
    assert "No product came in." in told
    assert "Nobody decided anything." in told
    assert "Nothing is served yet." in told
    assert "nan" not in told


def test_numbers_of_one_are_told_in_the_singular() -> None:
    month = facts(batches=months.facts().batches[:1], judgements=months.facts().judgements[:1])
    told = said(month)
    assert "1 newly trained model was judged" in told
    assert "The release moved once, never back." in told


def test_a_rollback_is_told() -> None:
    moved = [months.move(3, 4, "gate", "better"), months.move(4, 5, "rollback", "complaints")]
    assert "The release moved twice, once of that back." in said(facts(moves=moved))


def test_the_champion_is_told_beside_the_baselines() -> None:
    told = said(facts())
    assert "0.836 (95 % interval 0.829 to 0.843)" in told
    assert "0.025 above the challenge's text baseline (0.8113)" in told
    assert "baseline" not in said(facts(references={}))


def test_an_alarm_of_the_watch_is_told_with_its_days() -> None:
    calm = [Reading(MOMENT, "accuracy", 0.9, 0.7, False)]
    assert "took 1 reading, and none was alarming" in said(facts(readings=calm))
    alarmed = [*calm, Reading(MOMENT, "accuracy", 0.5, 0.7, True), Reading(MOMENT, "accuracy", 0.5, 0.7, True)]
    assert "The watch was alarmed by accuracy (on 1 day)." in said(facts(readings=alarmed))


def test_the_replacements_are_told_most_frequent_first() -> None:
    rows = accepted(OCTOBER, 900, 0.1, worse={10: 0.9})
    (first, *_) = conclusions.replacements(rows, count=3)
    assert first[:2] == (10, 40)


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (14_200_000_000, "14.2 GB"), (2e14, "200.0 TB")],
)
def test_sizes_are_told_in_three_digits(size: float, told: str) -> None:
    assert conclusions.in_bytes(size) == told


def test_the_figures_for_the_tracking_server_are_finite_numbers() -> None:
    told = conclusions.figures(facts())
    assert told["override_rate"] == overrides(facts().now.accepted).value
    assert told["champion_weighted_f1"] == 0.836
    assert "override_rate" not in conclusions.figures(facts(now=flow(OCTOBER, [])))
