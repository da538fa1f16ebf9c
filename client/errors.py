"""What the service answered instead of a result."""

from collections.abc import Mapping
from typing import Any

import httpx


class ProblemError(Exception):
    """An ``application/problem+json`` answer (RFC 9457), or any other answer outside 2xx.

    Attributes:
        status: HTTP status.
        code: stable dotted identifier such as ``review.not_pending``; ``""`` where the answer had none.
        title: the kind of problem in words.
        detail: this occurrence in words, or None.
        type: URI of the kind of problem; ``about:blank`` where the answer had none.
        request_id: what to quote when asking the operators, or None.
        retry_after_s: seconds to wait before asking again, or None where the service did not say.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.code = str(document.get("code") or "")
        self.title = str(document.get("title") or f"HTTP {status}")
        self.detail = document.get("detail")
        self.type = str(document.get("type") or "about:blank")
        self.request_id = document.get("request_id")
        self.retry_after_s = retry_after_s
        said = f"{self.title}: {self.detail}" if self.detail else self.title
        super().__init__(f"{status} {self.code} {said}" if self.code else f"{status} {said}")

    @classmethod
    def from_response(cls, response: httpx.Response) -> "ProblemError":
        """The problem in ``response``, whose body must have been read."""
        try:
            document = response.json()
        except ValueError:
            document = {}
        return cls(
            response.status_code,
            document if isinstance(document, dict) else {},
            _seconds(response.headers.get("retry-after")),
        )


def _seconds(header: str | None) -> float | None:
    """The delay form of ``Retry-After``; the date form is not used by this service."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
