"""Whatever a reviewer asks the queue for, an index answers: no product is read only to be passed over."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Engine, Select, create_engine

from core.db.models import Base
from core.db.repositories import leases, progress
from core.db.repositories.predictions import Filter, Order
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality

_MOMENT = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database keeps it
FILTERS = {
    "nothing": Filter(),
    "code": Filter(code=10),
    "language": Filter(language=Language.FRENCH),
    "modality": Filter(modality=Modality.TEXT_ONLY),
    "feedback": Filter(feedback=Feedback.DISPUTED),
    "confidence": Filter(min_confidence=0.1, max_confidence=0.9),
    "age": Filter(created_since=_MOMENT, created_until=_MOMENT),
    "all at once": Filter(
        code=10,
        language=Language.FRENCH,
        modality=Modality.TEXT_ONLY,
        feedback=Feedback.DISPUTED,
        max_confidence=0.9,
        created_until=_MOMENT,
    ),
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


def plan_of(engine: Engine, statement: Select[tuple[object]]) -> list[str]:
    """The steps of a statement, as SQLite means to take them."""
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(compiled.params.values()))
        return [row.detail for row in plan]


@pytest.mark.parametrize("asked", FILTERS)
def test_the_least_certain_is_found_in_the_index_of_the_queue_and_never_sorted_for(engine: Engine, asked: str) -> None:
    steps = plan_of(engine, leases.select_free("person", FILTERS[asked], Order.UNCERTAIN, ["id"]).limit(32))
    assert steps[0].startswith("SEARCH prediction USING COVERING INDEX ix_prediction_queue (status=?"), steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.parametrize("order", [Order.OLDEST, Order.NEWEST])
def test_the_oldest_and_the_newest_are_never_sorted_for(engine: Engine, order: Order) -> None:
    steps = plan_of(engine, leases.select_free("person", Filter(), order, []).limit(32))
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")], steps


@pytest.mark.parametrize("asked", FILTERS)
def test_a_look_at_doubted_labels_reads_the_doubted_ones(engine: Engine, asked: str) -> None:
    wanted = replace(FILTERS[asked], second_opinion=True)
    steps = plan_of(engine, leases.select_free("person", wanted, Order.OLDEST, []).limit(32))
    assert not [step for step in steps if step.startswith("SCAN")], steps


@pytest.mark.parametrize("asked", FILTERS)
def test_what_matches_is_counted_in_an_index(engine: Engine, asked: str) -> None:
    steps = plan_of(engine, progress.select_matching("person", FILTERS[asked]))
    assert [step for step in steps if step.startswith("SEARCH prediction USING COVERING INDEX")], steps
