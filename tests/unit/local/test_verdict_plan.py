"""What the demonstration's reviewer does."""

from local.verdicts import Action, VerdictPlan


def test_a_seeded_four_percent_are_rejected() -> None:
    plan = VerdictPlan.draw(500, seed=7)
    assert len(plan.rejected) == 20
    assert plan.validated == 480
    assert plan == VerdictPlan.draw(500, seed=7)
    assert plan != VerdictPlan.draw(500, seed=8)


def test_a_right_suggestion_is_validated() -> None:
    assert VerdictPlan(10, frozenset({3})).action(1, suggested=2583, true=2583) is Action.VALIDATE


def test_a_wrong_suggestion_is_corrected_in_both_ways() -> None:
    plan = VerdictPlan(10, frozenset())
    assert {plan.action(n, suggested=10, true=2583) for n in range(10)} == {Action.MODIFY, Action.VALIDATE_WITH_CODE}


def test_a_rejected_product_is_rejected_even_when_the_suggestion_is_right() -> None:
    assert VerdictPlan(10, frozenset({3})).action(3, suggested=10, true=10) is Action.REJECT


def test_as_many_rows_are_promised_as_will_be_validated() -> None:
    plan = VerdictPlan.draw(97, seed=1)
    actions = [plan.action(n, suggested=n % 3, true=1) for n in range(97)]
    assert sum(action is not Action.REJECT for action in actions) == plan.validated
