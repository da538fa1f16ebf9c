import numpy as np
import pytest

from inference.golden import GoldenMismatch, check_golden


def test_answers_within_a_thousandth_pass_and_the_difference_is_returned() -> None:
    assert check_golden("fusion", [0.5, 0.5005], [0.5, 0.5]) == pytest.approx(0.0005)


def test_answers_beyond_a_thousandth_are_refused_with_their_difference() -> None:
    with pytest.raises(GoldenMismatch, match="fusion") as caught:
        check_golden("fusion", [0.5, 0.502], [0.5, 0.5])
    assert caught.value.difference == pytest.approx(0.002)


def test_large_features_are_compared_on_their_own_scale() -> None:
    check_golden("encoder", np.array([[30.0, 0.02]]), np.array([[30.0, 0.0]]))
    with pytest.raises(GoldenMismatch):
        check_golden("encoder", np.array([[30.0, 0.04]]), np.array([[30.0, 0.0]]))


@pytest.mark.parametrize("answers", [[0.5], [[0.5, 0.5]], [0.5, float("nan")], [0.5, float("inf")]])
def test_another_shape_or_a_number_that_is_none_is_refused(answers: list[float]) -> None:
    with pytest.raises(GoldenMismatch):
        check_golden("fusion", answers, [0.5, 0.5])
