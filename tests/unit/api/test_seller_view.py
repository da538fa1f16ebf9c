"""What a seller is told about their product in a word."""

import pytest

from api.lineage.schemas import TrainedModel, TrainingRowRead
from api.predictions.schemas import PredictionRead
from api.web.seller.view import Learning, Shown, Taught
from core.domain.review import Status


def shown(status: Status = Status.PENDING, *, own: bool = True, **facts: object) -> Shown:
    told = {"status": status.value, "suggested_code": 10, "final_code": None, "confidence": 0.5, **facts}
    return Shown(PredictionRead.model_construct(**told), own)


def row(*, since: int | None = 2, until: int | None = None, use: str = "learnt", models: int = 0) -> TrainingRowRead:
    seen = [
        TrainedModel(name="fusion", version="1" * 64, first_epoch=n + 1, manifest=2, predictions=0)
        for n in range(models)
    ]
    return TrainingRowRead(segment="000001", row=0, split=None, use=use, since=since, until=until, models=seen)


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(1.0, "very"), (0.9, "very"), (0.89, "fairly"), (0.7, "fairly"), (0.69, "hardly"), (0.4, "hardly"), (0.39, "not")],
)
def test_a_confidence_has_a_word(confidence: float, word: str) -> None:
    assert shown(confidence=confidence).sureness == word


def test_an_accepted_product_is_corrected_where_its_category_is_not_the_suggested_one() -> None:
    assert not shown().is_corrected
    assert not shown(Status.VALIDATED, final_code=10).is_corrected
    assert shown(Status.INGESTED, final_code=40).is_corrected


def test_what_may_be_said_depends_on_where_it_stands_and_on_whose_it_is() -> None:
    def sayable(one: Shown) -> set[str]:
        return {kind for kind in ("confirmed", "proposed", "disputed") if one.may(kind)}

    assert sayable(shown()) == {"confirmed", "proposed", "disputed"}
    assert sayable(shown(Status.VALIDATED)) == {"confirmed", "disputed"}
    assert sayable(shown(Status.REJECTED)) == {"disputed"}
    assert sayable(shown(Status.RETRACTED)) == set()
    assert sayable(shown(own=False)) == set()


def test_a_product_that_was_never_stored_has_taught_nobody() -> None:
    assert Learning.of([]) == Learning(use="", waiting=False, gone=False, models=())


def test_a_product_that_is_being_written_waits() -> None:
    assert Learning.of([row(since=None)]) == Learning(use="", waiting=True, gone=False, models=())


def test_the_models_that_learnt_from_a_product_are_told_once_each_the_latest_last() -> None:
    twice = Learning.of([row(models=2), row(models=1)])
    assert (twice.use, twice.models) == ("learnt", (Taught("fusion", 1), Taught("fusion", 2)))


def test_of_a_corrected_product_only_the_row_that_counts_is_told() -> None:
    corrected = Learning.of([row(until=3, models=2), row(since=3, use="measured")])
    assert corrected == Learning(use="measured", waiting=False, gone=False, models=())


def test_a_product_that_was_taken_out_says_whom_it_had_taught() -> None:
    gone = Learning.of([row(until=3, models=1)])
    assert gone == Learning(use="", waiting=False, gone=True, models=(Taught("fusion", 1),))
