"""Every sequence of decisions, batches and erasures ends where a model of thirty lines says it does.

The model knows nothing of SQL: products with a status, a version, a code, and their outbox work. Hypothesis
looks for a sequence after which the database says something else.
"""

import re
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from api.accounts.service import Account
from api.errors import Forbidden, StaleVersion
from api.predictions.service import UnknownPrediction, erase
from api.review.refusals import (
    AlreadyClaimed,
    Erased,
    HeldByAnother,
    NotAccepted,
    NotDecided,
    NotDoubted,
    NotIngested,
    NotPending,
    OwnLabel,
    OwnProduct,
)
from api.review.service import ReviewService
from core.db.models import Audit, Base, Outbox, Prediction, Verdict
from core.db.repositories import batches, predictions, users
from core.db.repositories.ingest import Claim
from core.db.repositories.predictions import NewPrediction
from core.db.session import make_sessions
from core.domain.language import Language
from core.domain.roles import Role
from core.domain.taxonomy import Category, Taxonomy
from tests.integration.api.loop import claim_waiting
from tests.integration.offers import Offers, products, staff

CODES = (10, 40, 2060)
TAXONOMY = Taxonomy([Category(code, f"label {code}", f"libellé {code}", "theme") for code in CODES])
CONFIDENCE = 0.5
"""The model's, and what counts as very confident: every label but its own is marked for a second opinion."""
rarely = st.sampled_from([False, False, False, False, True])
codes = st.sampled_from(CODES)
REFUSALS = (
    AlreadyClaimed,
    Erased,
    Forbidden,
    HeldByAnother,
    NotAccepted,
    NotDecided,
    NotDoubted,
    NotIngested,
    NotPending,
    OwnLabel,
    OwnProduct,
    StaleVersion,
    UnknownPrediction,
)


@dataclass
class Work:
    """One piece of outbox work; ``segment`` is None until a batch claims it."""

    kind: str
    version: int
    code: int
    segment: int | None = None
    done: bool = False


@dataclass
class Product:
    """What the model knows of a prediction."""

    id: str
    status: str = "pending"
    version: int = 1
    code: int = 10
    erased: bool = False
    blank: bool = False
    deleted: bool = False
    marked: bool = False
    decisions: int = 0
    kept: int = 0
    holder: Role | None = None
    work: list[Work] = field(default_factory=list)
    said: set[tuple[Role, int]] = field(default_factory=set)
    aside_of: set[Role] = field(default_factory=set)

    def withdraw(self, kind: str, version: int | None = None) -> int:
        gone = [w for w in self.work if w.kind == kind and w.segment is None and version in (None, w.version)]
        self.work = [w for w in self.work if w not in gone]
        return len(gone)

    def step(self, status: str, *kinds: str, code: int | None = None) -> None:
        self.status, self.version, self.code = status, self.version + 1, code or self.code
        self.decisions += 1
        self.marked, self.holder = False, None
        self.work += [Work(kind, self.version, self.code) for kind in kinds]

    def label(self, by: Role, status: str, *kinds: str, code: int | None) -> None:
        """A step after which somebody stands for the code."""
        self.step(status, *kinds, code=code)
        self.said.add((by, self.code))
        self.marked = status != "pending" and self.code != 10

    def store_needs_it(self) -> bool:
        return any(w.kind != "archive" and not w.done for w in self.work)

    def retract(self) -> None:
        withdrawn = self.withdraw("append")
        self.step("retracted", *(() if withdrawn and self.status == "validated" else ("retract",)))

    def rows(self) -> list[tuple[str, int]]:
        """The rows of it in the published store: code and version of every append without a later retraction."""
        retracted = max((w.version for w in self.work if w.kind == "retract" and w.done), default=0)
        return [(self.id, w.code) for w in self.work if w.kind == "append" and w.done and w.version >= retracted]


class Review(Offers):
    """A shelf of two products, a customer, a reviewer, an admin, and the ingest."""

    def __init__(self) -> None:
        super().__init__()
        # One connection in memory: everything here happens in one thread.
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
        Base.metadata.create_all(self.engine)
        self.sessions = make_sessions(self.engine)
        with self.sessions.begin() as session:
            self.people = {
                role: Account(users.add(session, username=role, password_hash="", role=role).id, role, role)
                for role in Role
            }
            self.model = [self._predict(session) for _ in range(2)]
        self.shelf = list(self.model)
        self.claimed: Claim | None = None
        self.manifest = 0
        self.store: set[tuple[int, int]] = set()
        self.codes_of_rows: dict[tuple[int, int], tuple[str, int]] = {}

    def _predict(self, session: Session) -> Product:
        return Product(predictions.add(session, self._new()).id)

    def _new(self) -> NewPrediction:
        return NewPrediction(
            owner_id=self.people[Role.CUSTOMER].id,
            idempotency_key=None,
            request_sha256="0" * 64,
            designation="a book",
            description="read",
            image_sha256=None,
            modality="text-only",
            language=Language.UNKNOWN,
            suggested_code=10,
            confidence=CONFIDENCE,
            answer={"top_k": [[10, CONFIDENCE]], "experts": {}},
            model_name="fusion",
            model_version="1" * 64,
            epoch=1,
            taxonomy_version="t",
        )

    def teardown(self) -> None:
        try:
            self._drain()
            accepted = [(p.id, p.code) for p in self.model if p.status in ("validated", "ingested") and not p.deleted]
            assert sorted(self.codes_of_rows[row] for row in self.store) == sorted(accepted)
            assert not any(p.erased and not p.blank for p in self.model if not p.deleted)
        finally:
            self.engine.dispose()

    def _drain(self) -> None:
        for _ in range(3):
            if self.claimed is None:
                self._claim()
            self._mark()

    # decisions -------------------------------------------------------------------------------------------------

    def _ask(self, role: Role, decide: str, product: Product, stale: bool, **what: object) -> type[Exception] | None:
        """Ask the real service; the kind of its refusal, or None."""
        return self._ask_as(self.people[role], decide, product, stale, **what)

    def _ask_as(
        self, who: Account, decide: str, product: Product, stale: bool, **what: object
    ) -> type[Exception] | None:
        return self._try(who, decide, product, if_version=product.version + 5 if stale else None, **what)

    def _try(self, who: Account, decide: str, product: Product, **what: object) -> type[Exception] | None:
        try:
            with self.sessions.begin() as session:
                getattr(ReviewService(session, TAXONOMY, who, CONFIDENCE), decide)(product.id, **what)
        except REFUSALS as refusal:
            return type(refusal)
        return None

    def _first(self, role: Role, product: Product, stale: bool) -> type[Exception] | None:
        """What every decision is refused for before its own rules are asked."""
        if product.deleted or (product.erased and role is not Role.ADMIN):
            return UnknownPrediction
        return StaleVersion if stale else None

    @precondition(lambda self: any(p.deleted or p.blank for p in self.shelf))
    @rule()
    def replace(self) -> None:
        n = next(n for n, p in enumerate(self.shelf) if p.deleted or p.blank)
        with self.sessions.begin() as session:
            self.shelf[n] = self._predict(session)
        self.model.append(self.shelf[n])

    @rule(n=products, code=st.none() | codes, stale=rarely)
    def validate(self, n: int, code: int | None, stale: bool) -> None:
        p = self.shelf[n]
        expected = self._first(Role.REVIEWER, p, stale) or (None if p.status == "pending" else NotPending)
        assert self._ask(Role.REVIEWER, "validate", p, stale, code=code, reason=None) is expected
        if expected is None:
            p.label(Role.REVIEWER, "validated", "append", code=code)

    @rule(n=products)
    def reject(self, n: int) -> None:
        p = self.shelf[n]
        expected = self._first(Role.REVIEWER, p, False) or (None if p.status == "pending" else NotPending)
        assert self._ask(Role.REVIEWER, "reject", p, False, reason=None) is expected
        if expected is None:
            p.step("rejected", "archive")

    @rule(n=products, code=codes)
    def modify(self, n: int, code: int) -> None:
        p = self.shelf[n]
        expected = self._first(Role.REVIEWER, p, False) or (None if p.status == "pending" else NotPending)
        assert self._ask(Role.REVIEWER, "modify", p, False, code=code) is expected
        if expected is None:
            p.label(Role.REVIEWER, "pending", code=code)

    @rule(n=products, role=staff, stale=rarely)
    def undo(self, n: int, role: Role, stale: bool) -> None:
        p = self.shelf[n]
        expected = self._first(role, p, stale) or self._undo_refusal(p, role)
        assert self._ask(role, "undo", p, stale, reason=None) is expected
        if expected is None:
            p.withdraw({"validated": "append", "rejected": "archive"}.get(p.status, "nothing"), p.version)
            p.step("pending")

    def _undo_refusal(self, p: Product, role: Role) -> type[Exception] | None:
        if p.status == "retracted":
            return (Erased if p.erased else None) if role is Role.ADMIN else Forbidden
        if p.status == "pending":
            return NotDecided
        waiting = any(w.version == p.version and w.segment is None for w in p.work)
        return None if p.status in ("validated", "rejected") and waiting else AlreadyClaimed

    @rule(n=products, code=codes, stale=rarely)
    def correct(self, n: int, code: int, stale: bool) -> None:
        p = self.shelf[n]
        expected = self._first(Role.ADMIN, p, stale) or (None if p.status == "ingested" else NotIngested)
        assert self._ask(Role.ADMIN, "correct", p, stale, code=code, reason=None) is expected
        if expected is None:
            p.withdraw("append")
            p.label(Role.ADMIN, "ingested", "retract", "append", code=code)

    @rule(n=products)
    def retract(self, n: int) -> None:
        p = self.shelf[n]
        accepted = p.status in ("validated", "ingested")
        expected = self._first(Role.ADMIN, p, False) or (None if accepted else NotAccepted)
        assert self._ask(Role.ADMIN, "retract", p, False, reason=None) is expected
        if expected is None:
            p.retract()

    @rule(n=products, role=staff, stale=rarely)
    def keep(self, n: int, role: Role, stale: bool) -> None:
        p = self.shelf[n]
        expected = self._first(role, p, stale)
        if expected is None and (role, p.code) in p.said:
            expected = OwnLabel
        expected = expected or (None if p.marked else NotDoubted)
        assert self._ask(role, "keep", p, stale) is expected
        if expected is None:
            p.marked, p.holder = False, None
            p.kept += 1

    @rule(n=products, code=codes, decide=st.sampled_from(["validate", "modify", "reject", "undo", "correct", "keep"]))
    def let_its_sender_decide(self, n: int, code: int, decide: str) -> None:
        p = self.shelf[n]
        sender = replace(self.people[Role.CUSTOMER], role=Role.ADMIN)
        coded = {"code": code} if decide in ("validate", "modify", "correct") else {}
        reasoned = {} if decide in ("modify", "keep") else {"reason": None}
        expected = UnknownPrediction if p.deleted else OwnProduct
        assert self._ask_as(sender, decide, p, False, **coded, **reasoned) is expected

    @rule(n=products)
    def erase(self, n: int) -> None:
        p = self.shelf[n]
        try:
            with self.sessions.begin() as session:
                gone: bool | None = erase(session, p.id, self.people[Role.CUSTOMER], if_version=None)
        except UnknownPrediction:
            gone = None
        if p.deleted or p.erased:
            assert gone is None
            return
        if p.status == "rejected":
            p.withdraw("archive")
        if p.status in ("pending", "rejected") and not p.work:
            p.deleted = True
            assert gone is True
            return
        if p.status in ("validated", "ingested"):
            p.retract()
        else:
            p.step("retracted")
        p.erased, p.blank = True, not p.store_needs_it()
        assert gone is p.blank

    # batches ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.claimed is None)
    @rule()
    def claim(self) -> None:
        self._claim()

    @precondition(lambda self: self.claimed is not None)
    @rule()
    def mark(self) -> None:
        self._mark()

    @rule(n=products)
    def ingest(self, n: int) -> None:
        """The usual way into the store in one step, so that what may happen there happens often."""
        if self.shelf[n].status == "pending":
            self.validate(n=n, code=None, stale=False)
        if self.claimed is None:
            self._claim()
        self._mark()

    def _claim(self) -> None:
        with self.sessions.begin() as session:
            self.claimed = claim_waiting(session)
        for work in (w for p in self.model for w in p.work if w.kind != "archive" and w.segment is None):
            work.segment = self.claimed.segment

    def _mark(self) -> None:
        assert self.claimed is not None
        batch, self.claimed, self.manifest = self.claimed, None, self.manifest + 1
        with self.sessions.begin() as session:
            for row, claimed in enumerate(batches.claimed_rows(session, batch)):
                self.store.add((batch.segment, row))
                self.codes_of_rows[batch.segment, row] = (claimed.prediction_id, claimed.prdtypecode)
            self.store -= {(address.segment, address.row) for address in batches.retracted_rows(session, batch)}
            assert batches.mark(session, batch, self.manifest)
        for p in self.model:
            for work in (w for w in p.work if w.segment == batch.segment):
                work.done = True
                if work.kind == "append" and p.status == "validated" and work.version == p.version:
                    p.status = "ingested"
            p.blank = p.blank or (p.erased and not p.store_needs_it())

    # what must be true after every step ----------------------------------------------------------------------

    @invariant()
    def the_rows_are_the_model_s(self) -> None:
        with self.sessions() as session:
            rows = session.scalars(select(Prediction)).all()
        found = {
            r.id: (
                (r.status, r.version, r.current_code, r.erase_requested_at is not None, r.designation == ""),
                r.second_opinion,
            )
            for r in rows
        }
        assert found == {
            p.id: ((p.status, p.version, p.code, p.erased, p.blank), p.marked) for p in self.model if not p.deleted
        }

    @invariant()
    def the_outbox_is_the_model_s(self) -> None:
        with self.sessions() as session:
            rows = session.scalars(select(Outbox)).all()
        found = [(r.prediction_id, r.kind, r.version, r.segment, r.done_at is not None) for r in rows]
        expected = [(p.id, w.kind, w.version, w.segment, w.done) for p in self.model for w in p.work]
        assert sorted(found, key=str) == sorted(expected, key=str)

    @invariant()
    def every_step_left_a_verdict_and_a_trace(self) -> None:
        with self.sessions() as session:
            assert self._numbers(session) == {p.id: p.decisions for p in self.model if not p.deleted and p.decisions}
            traces = [row.subject for row in session.scalars(select(Audit)) if re.match("prediction/", row.subject)]
        assert len(traces) == sum(p.decisions + p.kept + p.deleted for p in self.model)

    def _numbers(self, session: Session) -> dict[str, int]:
        found: dict[str, int] = {}
        for verdict in session.scalars(select(Verdict).order_by(Verdict.prediction_version)):
            found[verdict.prediction_id] = found.get(verdict.prediction_id, 0) + 1
            assert verdict.prediction_version == found[verdict.prediction_id] + 1
        return found

    @invariant()
    def the_published_store_holds_what_the_work_says(self) -> None:
        expected = [row for p in self.model for row in p.rows()]
        assert sorted(self.codes_of_rows[row] for row in self.store) == sorted(expected)


def test_any_sequence_of_decisions_and_batches_ends_where_the_model_says() -> None:
    run_state_machine_as_test(
        Review,
        settings=settings(
            max_examples=80, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
