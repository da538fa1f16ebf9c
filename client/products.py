"""Asking for predictions, reading them back, and saying what the sender thinks of them, as methods."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from client.answers import Prediction, PredictionPage, SuggestedProduct
from client.asking import Asking, said, terms, written

Order = Literal["newest", "oldest", "uncertain", "updated"]


class Products(Asking):
    """What ``EtalonClient`` offers to everybody who is signed in."""

    def predict(
        self,
        designation: str | None = None,
        description: str | None = None,
        image: Path | bytes | None = None,
        *,
        model: str | None = None,
        top_k: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Classify a product and stage the answer for review.

        Args:
            designation: title as the seller wrote it; None only for a model that reads photos alone.
            description: text, or None.
            image: path or bytes of a JPEG, PNG or WEBP photo, or None for an answer from text alone.
            model: a served model's name; None asks the default one.
            top_k: how many of the best categories to tell, 1 to 10; None leaves it to the service.
            idempotency_key: the same key answers with the same prediction; None makes a key, so that a
                request repeated after a lost connection still stages one row.
        """
        fields = {"designation": designation, "description": description, "model": model, "top_k": top_k}
        form: dict[str, Any] = {name: (None, str(value)) for name, value in said(fields).items()}
        if image is not None:
            data = image.read_bytes() if isinstance(image, Path) else image
            form["image"] = ("image", data, "application/octet-stream")
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return Prediction.from_json(self._ask("POST", "/predict", files=form, headers=headers))

    def prediction(self, prediction_id: str) -> Prediction:
        """One prediction."""
        return Prediction.from_json(self._ask("GET", f"/predictions/{prediction_id}"))

    def image(self, prediction_id: str) -> bytes:
        """The photo that the model saw: re-encoded, without metadata."""
        return self._session.send("GET", f"/predictions/{prediction_id}/image", repeatable=True).content

    def predictions(
        self, *, order: Order = "newest", limit: int = 50, cursor: str | None = None, **filters: Any
    ) -> PredictionPage:
        """A page of the caller's predictions; of everybody's for a reviewer or an admin.

        Args:
            order: how they are sorted.
            limit: how many at most.
            cursor: the ``next_cursor`` of the page before.
            **filters: status, code, suggested_code, owner, modality, language, model, model_version, epoch,
                min_confidence, max_confidence, feedback, second_opinion, created_since, created_until, updated_since.
                None is none.
        """
        asked = {**written(filters), **said({"order": order, "limit": limit, "cursor": cursor})}
        return PredictionPage.from_json(self._ask("GET", "/predictions", params=asked))

    def every_prediction(self, *, order: Order = "newest", **filters: Any) -> Iterator[Prediction]:
        """All pages of ``predictions``."""
        cursor: str | None = None
        while True:
            page = self.predictions(order=order, limit=100, cursor=cursor, **filters)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def export(self, **filters: Any) -> AbstractContextManager[Iterator[bytes]]:
        """The same predictions as one CSV, in chunks as they arrive; cells that look like formulas are quoted.

        Use it in a ``with``; the file is never whole in memory.
        """
        return self._session.stream("/predictions.csv", params=written(filters))

    def give_feedback(
        self,
        prediction_id: str,
        kind: Literal["confirmed", "proposed", "disputed"],
        *,
        prdtypecode: int | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Say what the sender thinks of an answer: right, rather another code (``proposed``), or wrong."""
        body = said({"kind": kind, "prdtypecode": prdtypecode, "reason": reason})
        url, headers = f"/predictions/{prediction_id}/feedback", terms(None, idempotency_key)
        return Prediction.from_json(self._ask("POST", url, json=body, headers=headers))

    def withdraw_feedback(self, prediction_id: str) -> None:
        """Take back what the sender said."""
        self._session.send("DELETE", f"/predictions/{prediction_id}/feedback", repeatable=True)

    def suggested_product(self) -> SuggestedProduct | None:
        """A product to try that the caller has not sent, or None where the reserve has none left."""
        answer = self._session.send("GET", "/reserve/next", repeatable=True)
        return None if answer.status_code == HTTPStatus.NO_CONTENT else SuggestedProduct.from_json(answer.json())

    def suggested_image(self, product: SuggestedProduct) -> bytes | None:
        """The photo of a suggested product; None where it has none."""
        if product.image is None:
            return None
        name = product.image.rpartition("/")[2]  # whatever the answer says, nothing else is asked for
        return self._session.send("GET", f"/reserve/images/{name}", repeatable=True).content

    def classes(self) -> Any:
        """The active taxonomy, as the service writes it."""
        return self._ask("GET", "/classes")
