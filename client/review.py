"""The decisions that people take about predictions, as methods."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from client.answers import Decision, Lease, Prediction, Retraction, Undoing, VerdictRecord
from client.asking import Asking, said, terms, written


class Review(Asking):
    """What ``EtalonClient`` offers to reviewers and admins.

    Every deciding method takes ``version``, the only version of the product that it may be made on (the service
    refuses with 412 if there is a newer one), and ``idempotency_key``, a name for the request: sent again under
    it, the request decides nothing again. Without one a name is made, so that a request repeated after a lost
    connection still decides once.
    """

    def validate(
        self,
        prediction_id: str,
        *,
        prdtypecode: int | None = None,
        reason: str | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Accept a pending prediction with its current code, or with ``prdtypecode`` where that is given."""
        body = {"accept": True, "prdtypecode": prdtypecode, "reason": reason}
        return self._decide("POST", prediction_id, "/validate", body, version, idempotency_key)

    def reject(
        self,
        prediction_id: str,
        *,
        reason: str | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Refuse a pending prediction: it will not join the training data."""
        body = {"accept": False, "reason": reason}
        return self._decide("POST", prediction_id, "/validate", body, version, idempotency_key)

    def modify(
        self, prediction_id: str, prdtypecode: int, *, version: int | None = None, idempotency_key: str | None = None
    ) -> Prediction:
        """Give a pending prediction another current code."""
        return self._decide("PATCH", prediction_id, "", {"prdtypecode": prdtypecode}, version, idempotency_key)

    def undo(
        self,
        prediction_id: str,
        *,
        reason: str | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Put a decided prediction back into the queue, while no batch has claimed it; admins also a retracted one."""
        return self._decide("POST", prediction_id, "/undo", {"reason": reason}, version, idempotency_key)

    def correct(
        self,
        prediction_id: str,
        prdtypecode: int,
        *,
        reason: str | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Give a row of the training store another code (admins)."""
        body = {"prdtypecode": prdtypecode, "reason": reason}
        return self._decide("POST", prediction_id, "/correct", body, version, idempotency_key)

    def retract(
        self,
        prediction_id: str,
        *,
        reason: str | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Take an accepted label back; the next snapshot is without it (admins)."""
        return self._decide("POST", prediction_id, "/retract", {"reason": reason}, version, idempotency_key)

    def validate_all(
        self, decisions: Sequence[Decision], *, reason: str | None = None, idempotency_key: str | None = None
    ) -> tuple[Prediction, ...]:
        """Decide about up to 200 pending predictions, all or none, and answer in the order of ``decisions``."""
        body = said({"items": [said(asdict(decision)) for decision in decisions], "reason": reason})
        return self._decide_all("/predictions/validate", body, idempotency_key)

    def undo_all(
        self, undoings: Sequence[Undoing], *, reason: str | None = None, idempotency_key: str | None = None
    ) -> tuple[Prediction, ...]:
        """Undo up to 200 verdicts, all or none, and answer in the order of ``undoings``."""
        body = said({"items": [said(asdict(undoing)) for undoing in undoings], "reason": reason})
        return self._decide_all("/predictions/undo", body, idempotency_key)

    def delete(self, prediction_id: str, *, version: int | None = None, idempotency_key: str | None = None) -> bool:
        """Erase a prediction.

        Returns:
            True when nothing of it is left; False when its text and photo go with the next snapshot.
        """
        headers = terms(version, idempotency_key)
        answer = self._session.send("DELETE", f"/predictions/{prediction_id}", repeatable=True, headers=headers)
        return answer.status_code == HTTPStatus.NO_CONTENT

    def next_to_review(
        self,
        *,
        order: Literal["uncertain", "newest", "oldest"] = "uncertain",
        besides: Sequence[str] = (),
        **filters: Any,
    ) -> Lease | None:
        """The next product to review, kept for this person for a while; None when nothing is free.

        Args:
            order: which comes first.
            besides: up to 5 products in hand, of which none is given: so the next one is there before it is needed.
            **filters: code, modality, language, feedback, second_opinion, min_confidence, max_confidence,
                created_since, created_until. None is none.
        """
        query = {"order": order, "besides": list(besides), **written(filters)}
        answer = self._session.send("GET", "/review/next", repeatable=True, params=query)
        return None if answer.status_code == HTTPStatus.NO_CONTENT else Lease.from_json(answer.json())

    def skip(self, prediction_id: str) -> None:
        """Put a pending product aside: others are offered it at once, this person not before a day has gone by."""
        self._session.send("POST", f"/predictions/{prediction_id}/skip", repeatable=True)

    def hold(self, prediction_id: str) -> Lease:
        """Keep this very product for this person for a while, or for longer."""
        return Lease.from_json(self._ask("POST", f"/predictions/{prediction_id}/lease"))

    def release(self, prediction_ids: Sequence[str]) -> None:
        """Let go of up to 6 products: others are offered them at once."""
        self._session.send("POST", "/review/release", repeatable=True, json={"ids": list(prediction_ids)})

    def progress(self, **filters: Any) -> Any:
        """What is left in the queue, what this person decided today, and at which pace.

        Args:
            **filters: which products are counted as ``matching``; those of ``next_to_review``.
        """
        return self._ask("GET", "/review/progress", params=written(filters))

    def keep(self, prediction_id: str, *, version: int | None = None, idempotency_key: str | None = None) -> Prediction:
        """Say that a label marked for a second opinion is right as it is."""
        return self._decide("POST", prediction_id, "/keep", {}, version, idempotency_key)

    def lineage(self, prediction_id: str) -> Any:
        """Where an answer came from, and what became of its product: model, snapshot, rows, reviewers, later models."""
        return self._ask("GET", f"/predictions/{prediction_id}/lineage")

    def history(self, prediction_id: str) -> tuple[VerdictRecord, ...]:
        """Every decision on a prediction, oldest first."""
        answer = self._ask("GET", f"/predictions/{prediction_id}/history", repeatable=True)
        return tuple(VerdictRecord.from_json(item) for item in answer["items"])

    def take_back(
        self, reviewer: str, *, since: datetime, until: datetime, reason: str | None = None, dry_run: bool = False
    ) -> Retraction:
        """Take back every label that ``reviewer`` gave from ``since`` until before ``until`` (admins).

        Sent again it does what is left, so a lost connection is followed by another request.

        Raises:
            ValueError: a time has no time zone.
        """
        for moment in (since, until):
            if moment.tzinfo is None:
                raise ValueError(f"expected a time with its time zone. Received: {moment.isoformat()}")
        body = said({"reviewer": reviewer, "since": since.isoformat(), "until": until.isoformat(), "reason": reason})
        order = {**body, "dry_run": dry_run}
        return Retraction.from_json(self._ask("POST", "/admin/retractions", json=order))

    def _decide_all(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> tuple[Prediction, ...]:
        answer = self._ask("POST", path, json=body, headers=terms(None, idempotency_key))
        return tuple(Prediction.from_json(item) for item in answer["items"])

    def _decide(
        self,
        method: str,
        prediction_id: str,
        path: str,
        body: Mapping[str, Any],
        version: int | None,
        idempotency_key: str | None,
    ) -> Prediction:
        headers = terms(version, idempotency_key)
        url = f"/predictions/{prediction_id}{path}"
        return Prediction.from_json(self._ask(method, url, json=said(body), headers=headers))
