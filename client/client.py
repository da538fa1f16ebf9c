"""The service as methods."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx

from client.answers import Champion, Prediction, PredictionPage
from client.review import Review
from client.session import PasswordToken, Session


class EtalonClient(Review):
    """A signed-in caller of one Etalon service. Safe to share between threads; close it, or use it in a ``with``.

    Args:
        base_url: for example ``http://127.0.0.1:8000``.
        username: the account's name.
        password: the account's password; tokens are fetched and renewed with it.
        timeout_s: longest wait for one answer.
        attempts: how often one request is sent at most; see ``Session``.
        transport: replaces the network, for tests.
        sleep: replaces waiting, for tests.

    Every method raises ``ProblemError`` when the service refuses and ``httpx.TransportError`` when it is not there.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        timeout_s: float = 30.0,
        attempts: int = 5,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(
            base_url=base_url, auth=PasswordToken(username, password), timeout=timeout_s, transport=transport
        )
        self._session = Session(self._http, attempts, sleep)

    def __enter__(self) -> "EtalonClient":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(
        self,
        designation: str,
        description: str | None = None,
        image: Path | bytes | None = None,
        *,
        model: str | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Classify a product and stage the answer for review.

        Args:
            designation: title as the seller wrote it.
            description: text, or None.
            image: path or bytes of a JPEG, PNG or WEBP photo, or None for an answer from text alone.
            model: a served model's name; None asks the default one.
            idempotency_key: the same key answers with the same prediction; None makes a key, so that a
                request repeated after a lost connection still stages one row.
        """
        fields = {"designation": designation, "description": description, "model": model}
        form: dict[str, Any] = {name: (None, value) for name, value in fields.items() if value is not None}
        if image is not None:
            data = image.read_bytes() if isinstance(image, Path) else image
            form["image"] = ("image", data, "application/octet-stream")
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return Prediction.from_json(self._ask("POST", "/predict", repeatable=True, files=form, headers=headers))

    def prediction(self, prediction_id: str) -> Prediction:
        """One prediction."""
        return Prediction.from_json(self._ask("GET", f"/predictions/{prediction_id}", repeatable=True))

    def image(self, prediction_id: str) -> bytes:
        """The photo that the model saw: re-encoded, without metadata."""
        return self._session.send("GET", f"/predictions/{prediction_id}/image", repeatable=True).content

    def predictions(
        self,
        *,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        order: Literal["newest", "oldest", "uncertain"] = "newest",
    ) -> PredictionPage:
        """A page of the caller's predictions; of everybody's for a reviewer or an admin."""
        query = {"status": status, "limit": limit, "cursor": cursor, "order": order}
        asked = {name: value for name, value in query.items() if value is not None}
        page = self._ask("GET", "/predictions", repeatable=True, params=asked)
        return PredictionPage(tuple(Prediction.from_json(item) for item in page["items"]), page["next_cursor"])

    def every_prediction(self, *, status: str | None = None) -> Iterator[Prediction]:
        """All pages of ``predictions``, newest first."""
        cursor: str | None = None
        while True:
            page = self.predictions(status=status, limit=100, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def champion(self) -> Champion:
        """The release that is served."""
        return Champion.from_json(self._ask("GET", "/models/champion", repeatable=True))

    def classes(self) -> Any:
        """The active taxonomy, as the service writes it."""
        return self._ask("GET", "/classes", repeatable=True)
