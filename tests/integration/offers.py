"""What a model of thirty lines says of the two queues: to whom which product is offered, held and given back.

Rules of the state machine in ``test_review_state_machine.py``, which has the shelf, the people and the decisions.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.service import Account
from api.review.refusals import HeldByAnother, NotPending
from core.db.repositories import leases
from core.db.repositories.predictions import Filter, Order
from core.domain.roles import Role

if TYPE_CHECKING:
    from tests.integration.test_review_state_machine import Product

LEASE_S = SKIP_S = 3600  # longer than any story here
PENDING, DOUBTED = Filter(), Filter(second_opinion=True)
products = st.integers(0, 1)
staff = st.sampled_from([Role.REVIEWER, Role.ADMIN])


class Offers(RuleBasedStateMachine):
    """Whoever asks is offered what they hold, else the oldest that is free and that they did not put aside."""

    sessions: sessionmaker[Session]
    people: dict[Role, Account]
    model: "list[Product]"
    shelf: "list[Product]"

    @rule(role=staff)
    def offer(self, role: Role) -> None:
        self._take(role, PENDING, [p for p in self.model if p.status == "pending"])

    @rule(role=staff, n=products)
    def offer_another(self, role: Role, n: int) -> None:
        pending = [p for p in self.model if p.status == "pending" and p is not self.shelf[n]]
        self._take(role, PENDING, pending, besides=self.shelf[n])

    @rule(role=staff)
    def offer_a_doubted_label(self, role: Role) -> None:
        self._take(role, DOUBTED, [p for p in self.model if p.marked and (role, p.code) not in p.said])

    def _take(
        self, role: Role, wanted: Filter, fitting: "Collection[Product]", besides: "Product | None" = None
    ) -> None:
        named = [besides.id] if besides else []
        with self.sessions.begin() as session:
            row = leases.take(session, self.people[role].id, wanted, Order.OLDEST, LEASE_S, named)
        there = [p for p in fitting if not p.deleted and not p.erased]
        held = [p for p in there if p.holder is role]
        free = sorted((p for p in there if p.holder is None and role not in p.aside_of), key=lambda p: p.id)
        at_work = {p.holder for p in self.model if self._is_queued(p)} - {None, role}
        if not held and besides and self._is_queued(besides) and besides.holder is role and len(free) <= len(at_work):
            free = []
        expected = held or free[:1]
        assert (row and row.id) in ([p.id for p in expected] or [None])
        for p in expected:
            if row and p.id == row.id:
                p.holder = role

    @staticmethod
    def _is_queued(p: "Product") -> bool:
        return not p.deleted and (p.status == "pending" or p.marked)

    @rule(n=products, role=staff)
    def hold(self, n: int, role: Role) -> None:
        p = self.shelf[n]
        taken = None if p.holder in (None, role) else HeldByAnother
        expected = self._first(role, p, False) or (taken if self._is_queued(p) else NotPending)
        assert self._try(self.people[role], "hold", p, lease_s=LEASE_S, if_version=None) is expected
        if expected is None:
            p.holder = role

    @rule(n=products, role=staff)
    def let_go(self, n: int, role: Role) -> None:
        p = self.shelf[n]
        with self.sessions.begin() as session:
            leases.release(session, self.people[role].id, [p.id])
        p.holder = None if p.holder is role else p.holder

    @rule(n=products, role=staff)
    def skip(self, n: int, role: Role) -> None:
        p = self.shelf[n]
        expected = self._first(role, p, False) or (None if self._is_queued(p) else NotPending)
        assert self._try(self.people[role], "skip", p, skip_s=SKIP_S, if_version=None) is expected
        if expected is not None:
            return
        p.aside_of.add(role)
        p.holder = None if p.holder is role else p.holder

    def _first(self, role: Role, product: "Product", stale: bool) -> type[Exception] | None:
        raise NotImplementedError

    def _try(self, who: Account, decide: str, product: "Product", **what: Any) -> type[Exception] | None:
        raise NotImplementedError
