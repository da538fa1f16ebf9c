"""Taking a reviewer's labels back overlooks none that is being given at the same moment."""

import threading
from datetime import datetime

from core.db.repositories import predictions, verdicts
from core.domain.review import VALIDATE
from core.retraction import TakenBack, take_back
from tests.integration.ingest.shop import REVIEWER, Shop


def test_a_label_that_is_not_committed_yet_is_waited_for_and_taken_back(shop: Shop) -> None:
    given = shop.validated("Livre", move=None)
    taken: list[TakenBack] = []

    def take() -> None:
        span = {"since": datetime(2020, 1, 1), "until": datetime(2100, 1, 1)}  # noqa: DTZ001 - UTC without a zone
        taken.append(take_back(shop.sessions, reviewer="reviewer", actor=REVIEWER, reason=None, **span))

    thread = threading.Thread(target=take)
    with shop.sessions.begin() as session:
        assert predictions.move(session, given, version=1, move=VALIDATE)
        facts = {"code": 10, "reviewer_id": REVIEWER, "reason": None, "detail": {}}
        verdicts.record(session, prediction_id=given, version=2, move=VALIDATE, **facts)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert [(one.withdrawn, one.retracted) for one in taken] == [(1, 0)]
