"""Whatever people, the ingest and its faults do, in whatever order: the check finds nothing, at any step.

Then one row of the history is changed behind everybody's back, and the check names it. Every history can be replayed
by its seed.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.predictions import service as products
from api.review.service import ReviewService
from core import failpoints
from core.audit_seal import seal
from core.db.models import Audit, Outbox, Prediction, SegmentClaim, Verdict
from core.domain.review import Status
from core.errors import Conflict, NotFound
from core.failpoints import FailpointError
from core.settings import LoopSettings
from preprocessing.ingest.append import active_taxonomy
from preprocessing.ingest.check import check_loop
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.desk import ADMIN
from tests.integration.ingest.shop import Shop, photo

STEPS = 60
CODES = (10, 40, 2583)
BUTTONS = {
    "validate": [Status.PENDING],
    "reject": [Status.PENDING],
    "modify": [Status.PENDING],
    "undo": [Status.VALIDATED, Status.REJECTED, Status.RETRACTED],
    "correct": [Status.INGESTED],
    "retract": [Status.INGESTED, Status.VALIDATED],
    "erase": [*Status],
}
BREAKABLE = ("claim.outbox", "claim.frozen", "segment.row", "segment.visible", "manifest.built", "append.marking")


class History:
    """A shop in which things happen at random."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = random.Random(seed)
        self.did: Counter[str] = Counter()
        self._deeds: list[tuple[Callable[[], None], int]] = [
            (self._receive, 5),
            (self._decide, 12),
            (self._append, 3),
            (self._append_badly, 3),
            (lambda: seal(shop.sessions, older_than_s=0) and None, 1),
        ]

    def step(self) -> None:
        deeds, weights = zip(*self._deeds, strict=True)
        self.random.choices(deeds, weights)[0]()

    def found(self) -> list[str]:
        checked = check_loop(self.shop.engine, self.shop.store, LoopSettings(), full=False)
        return [str(violation) for violation in checked.violations]

    def _receive(self) -> None:
        image = photo(self.random.randrange(900, 905)) if self.random.random() < 0.5 else None
        self.shop.validated(f"Objet reçu {self.random.randrange(9)}", image=image, move=None)

    def _decide(self) -> None:
        """Let somebody press a button: mostly one that makes sense, now and then any."""
        kind = self.random.choices([*BUTTONS], [9, 2, 2, 3, 4, 3, 1])[0]
        statuses = BUTTONS[kind] if self.random.random() < 0.8 else [*Status]
        with self.shop.sessions() as session:
            fitting = session.scalars(select(Prediction.id).where(Prediction.status.in_(statuses))).all()
        if not fitting:
            return
        one, code = self.random.choice(sorted(fitting)), self.random.choice(CODES)
        try:
            with self.shop.sessions.begin() as session:
                self._press(session, kind, one, code)
            self.did[kind] += 1
        except (Conflict, NotFound):
            self.did["refused"] += 1

    def _press(self, session: Session, kind: str, one: str, code: int) -> None:
        reviews = ReviewService(session, active_taxonomy(self.shop.store), ADMIN, very_confident=0.9)
        known = {"if_version": None}
        match kind:
            case "validate":
                reviews.validate(one, code=code, reason=None, **known)
            case "modify":
                reviews.modify(one, code=code, **known)
            case "correct":
                reviews.correct(one, code=code, reason="better", **known)
            case "erase":
                products.erase(session, one, ADMIN, **known)
            case _:
                getattr(reviews, kind)(one, reason=None, **known)

    def _append(self) -> None:
        self.did["append"] += self.shop.append(f"run {self.random.random()}", max_rows=4) is not None

    def _append_badly(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(failpoints, "_reached", Counter())
            patch.setenv("ETALON_FAILPOINT", f"{self.random.choice(BREAKABLE)}:1:error")
            try:
                self._append()
            except FailpointError:
                self.did["broken append"] += 1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_check_finds_nothing_at_any_step(shop: Shop, seed: int) -> None:
    history = History(shop, seed)
    for number in range(STEPS):
        history.step()
        assert history.found() == [], f"seed {seed}, step {number}: {history.did}"
    for number in range(STEPS):
        if shop.append(f"drain {number}") is None:
            break
    assert history.found() == []
    assert set(history.did) >= {"validate", "correct", "retract", "append", "refused", "broken append"}


def _prediction_of_a_row(session: Session) -> str:
    return session.query(Outbox.prediction_id).filter_by(kind="append").where(Outbox.done_at.is_not(None)).first()[0]


TAMPERED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "a verdict": ("I1", lambda one: delete(Verdict).where(Verdict.prediction_id == one)),
    "work": ("I1", lambda one: delete(Outbox).where(Outbox.prediction_id == one, Outbox.kind == "append")),
    "a claim": ("I1", lambda one: delete(SegmentClaim).where(SegmentClaim.segment == 1)),
    "work that was done": ("I1", lambda one: update(Outbox).where(Outbox.prediction_id == one).values(done_at=None)),
    "a row's place": ("I3", lambda one: update(Outbox).where(Outbox.prediction_id == one).values(segment_row=99)),
    "the accepted code": (
        "I4",
        lambda one: update(Verdict).where(Verdict.prediction_id == one).values(prdtypecode=1),
    ),
    "the split": ("I4", lambda one: update(Prediction).where(Prediction.id == one).values(split="none")),
    "the audit": ("I9", lambda one: update(Audit).where(Audit.seal == 1).values(actor="eve")),
}


@same_on_any_database
@pytest.mark.parametrize("what", TAMPERED)
def test_what_is_changed_behind_everybodys_back_is_named(shop: Shop, what: str) -> None:
    for number in range(3):
        shop.validated(f"Livre {number}")
    shop.append()
    seal(shop.sessions, older_than_s=0)
    history = History(shop, 1)
    assert history.found() == []
    invariant, tamper = TAMPERED[what]
    with shop.sessions.begin() as session:
        session.execute(tamper(_prediction_of_a_row(session)))
    assert invariant in {line[:2] for line in history.found()}


@same_on_any_database
def test_a_damaged_photo_of_a_row_that_waits_is_found_by_the_full_check(shop: Shop) -> None:
    made = shop.validated("Livre", image=photo(900))
    with shop.sessions() as session:
        path = shop.store.images / session.get_one(Prediction, made).image_sha256
    path.write_bytes(path.read_bytes()[:-1])
    assert shop.run("fsck")[0] == 0
    status, out, _ = shop.run("fsck", "--full")
    assert (status, out.splitlines()[0]) == (
        1,
        f"I7  prediction {made}: its append cannot be done: photo {path.name} has changed on disk",
    )
    path.unlink()
    assert shop.run("fsck")[1].splitlines()[0].endswith(f"its append cannot be done: no photo {path.name}")
