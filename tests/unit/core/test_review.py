"""When an accepted label needs a second opinion: rules without a database."""

import pytest

from core.domain.review import contradicts, fit_of


@pytest.mark.parametrize(
    ("accepted", "confidence", "doubted"),
    [(40, 0.95, True), (40, 0.9, True), (40, 0.8999, False), (10, 0.95, False), (10, 1.0, False), (40, 0.0, False)],
)
def test_a_label_is_doubted_where_it_goes_against_a_very_confident_model(
    accepted: int, confidence: float, doubted: bool
) -> None:
    assert contradicts(accepted, suggested=10, confidence=confidence, very_confident=0.9) is doubted


def test_a_label_fits_as_well_as_the_model_says_of_it() -> None:
    assert fit_of(40, [(10, 0.95), (40, 0.03)]) == 0.03


def test_a_label_that_is_not_among_the_best_fits_at_most_as_what_they_leave() -> None:
    assert fit_of(2060, [(10, 0.95), (40, 0.03)]) == pytest.approx(0.02)
    assert fit_of(2060, [(10, 0.7), (40, 0.3000001)]) == 0.0
