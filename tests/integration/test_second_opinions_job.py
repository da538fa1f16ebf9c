"""Suspects of a training become marks in the review queue, however often it is judged."""

import pytest
from sqlalchemy import Engine, select

from core.db.models import Audit, Prediction, UserAccount
from core.db.session import make_sessions
from training.jobs.second_opinions import ask_again
from training.suspects import Suspect, as_dicts


@pytest.fixture
def products(engine: Engine) -> list[str]:
    """Products of the training store, all with code 10."""
    names = [f"p{number:03}" for number in range(120)]
    with make_sessions(engine).begin() as session:
        session.add(UserAccount(id="u", username="u", password_hash="-", role="customer"))
        session.flush()
        session.add_all(
            Prediction(
                id=name,
                owner_id="u",
                designation="a",
                modality="text-only",
                suggested_code=10,
                confidence=0.5,
                answer={},
                model_name="fusion",
                model_version="0" * 64,
                epoch=1,
                taxonomy_version="t",
                status="ingested",
                current_code=10,
            )
            for name in names
        )
    return names


def test_judging_twice_marks_each_suspect_once_and_leaves_imported_products_alone(
    engine: Engine, products: list[str]
) -> None:
    suspects = [Suspect(name, name, "a", 10, 40, 0.01) for name in products]
    suspects += [Suspect("7", "", "imported", 10, 40, 0.01), Suspect("8", "gone", "deleted", 10, 40, 0.01)]
    training = {"package": "a" * 64, "suspects": as_dicts(suspects)}
    sessions = make_sessions(engine)
    assert [ask_again(sessions, training), ask_again(sessions, training)] == [120, 0]
    with sessions() as session:
        marked = session.scalars(select(Prediction).where(Prediction.second_opinion)).all()
        assert [(row.doubted_code, row.alternative_code) for row in marked] == [(10, 40)] * 120
        assert [row.detail for row in session.scalars(select(Audit)).all()] == [{"marked": 100}, {"marked": 20}]


def test_a_training_without_suspects_marks_nothing(engine: Engine) -> None:
    assert ask_again(make_sessions(engine), {"package": "a" * 64}) == 0
