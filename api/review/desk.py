"""One decision from the request to the committed answer, the same way for every route."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.service import Account
from api.deps import AdminDep, PartsDep, ReviewerDep, TaxonomyDep
from api.predictions.schemas import PredictionRead
from api.predictions.service import find
from api.requests import Terms, TermsDep
from api.review.schemas import BulkDecision, BulkRead, BulkUndo, LeasedRead
from api.review.service import ReviewService
from core import failpoints
from core.db.models import Prediction
from core.db.session import transact
from core.domain.taxonomy import Taxonomy
from core.settings import LoopSettings

Decide = Callable[[ReviewService, int | None], Prediction]


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """Takes decisions of one reviewer and commits them before it answers.

    Attributes:
        sessions: sessions that may change the database.
        taxonomy: the categories that may be chosen.
        reviewer: who decides.
        terms: what the request says of itself.
        loop: how long a lease lasts and what is put aside stays so, and when a label needs a second opinion.
    """

    sessions: sessionmaker[Session]
    taxonomy: Taxonomy
    reviewer: Account
    terms: Terms
    loop: LoopSettings

    def settle(
        self, response: Response, verb: str, prediction_id: str, body: BaseModel, decide: Decide
    ) -> PredictionRead:
        """Make one decision; a request that was decided before is answered with the prediction as it stands now."""
        row = self.terms.settle(
            self.sessions,
            actor_id=self.reviewer.id,
            request=(verb, prediction_id, body.model_dump(mode="json")),
            decide=lambda session: decide(self._reviews(session), self.terms.if_version),
            repeated=lambda session: find(session, prediction_id, self.reviewer),
        )
        failpoints.reach("verdict.committed")
        response.headers["ETag"] = f'"{row.version}"'
        return PredictionRead.from_row(row, self.taxonomy)

    def settle_all(
        self, verb: str, body: BulkDecision | BulkUndo, decide: Callable[[ReviewService], Sequence[Prediction]]
    ) -> BulkRead:
        """Make several decisions in one transaction; repeated ones are answered with the predictions as they stand."""
        rows: Sequence[Prediction] = self.terms.settle(
            self.sessions,
            actor_id=self.reviewer.id,
            request=(verb, "", body.model_dump(mode="json")),
            decide=lambda session: decide(self._reviews(session)),
            repeated=lambda session: [find(session, item.id, self.reviewer) for item in body.items],
        )
        failpoints.reach("verdict.committed")
        return BulkRead(items=[PredictionRead.from_row(row, self.taxonomy) for row in rows])

    def hold(self, response: Response, prediction_id: str) -> LeasedRead:
        """Lease one product. Like skipping, it needs no name: whoever asks twice asks for the same."""
        lease_s, if_version = self.loop.lease_s, self.terms.if_version
        row = transact(
            self.sessions,
            lambda session: self._reviews(session).hold(prediction_id, lease_s=lease_s, if_version=if_version),
        )
        response.headers["ETag"] = f'"{row.version}"'
        return LeasedRead.from_row(row, self.taxonomy)

    def skip(self, prediction_id: str) -> None:
        """Put one product aside. Whoever asks twice asks for the same, so the request needs no name."""
        skip_s, if_version = self.loop.skip_s, self.terms.if_version
        transact(
            self.sessions,
            lambda session: self._reviews(session).skip(prediction_id, skip_s=skip_s, if_version=if_version),
        )

    def _reviews(self, session: Session) -> ReviewService:
        return ReviewService(session, self.taxonomy, self.reviewer, self.loop.contradiction_confidence)


def get_reviewer_desk(parts: PartsDep, taxonomy: TaxonomyDep, reviewer: ReviewerDep, terms: TermsDep) -> ReviewDesk:
    """The desk of a reviewer."""
    return ReviewDesk(parts.sessions, taxonomy, reviewer, terms, parts.settings.loop)


def get_admin_desk(parts: PartsDep, taxonomy: TaxonomyDep, admin: AdminDep, terms: TermsDep) -> ReviewDesk:
    """The desk of an admin."""
    return ReviewDesk(parts.sessions, taxonomy, admin, terms, parts.settings.loop)


ReviewerDeskDep = Annotated[ReviewDesk, Depends(get_reviewer_desk)]
AdminDeskDep = Annotated[ReviewDesk, Depends(get_admin_desk)]
