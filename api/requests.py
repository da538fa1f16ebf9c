"""What a deciding request says of itself: the version it was made on, and a name so that it may be sent twice."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header
from sqlalchemy.orm import Session

from core.db.repositories import request_keys
from core.errors import Invalid

_ETAG = re.compile(r'"?([0-9]{1,9})"?')

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")
]


class BadETag(Invalid):
    """An ``If-Match`` that no answer of ours gave out."""

    code = "request.bad_etag"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a request wants its decision.

    Attributes:
        if_version: the only version it may be made on, or None.
        key: the caller's name for the request, or None.
    """

    if_version: int | None
    key: str | None

    def is_repeated(self, session: Session, *, actor_id: str, request: tuple[Any, ...]) -> bool:
        """Whether this very request was decided before; if not, it counts as decided with this transaction.

        Args:
            session: the deciding transaction, in which nothing was done yet.
            actor_id: the caller.
            request: what is asked for, as plain JSON values; equal for equal requests.

        Raises:
            KeyReused: its name was used for another request.
        """
        if self.key is None:
            return False
        content = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        return not request_keys.enter(session, actor_id=actor_id, key=self.key, request_sha256=content)


def get_terms(
    if_match: Annotated[str | None, Header(max_length=64)] = None, idempotency_key: IdempotencyKey = None
) -> Terms:
    """The terms in a request's headers. ``If-Match: *`` is the same as none.

    Raises:
        BadETag: ``If-Match`` is not one of ours.
    """
    return Terms(_version(if_match), idempotency_key)


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    spelt = _ETAG.fullmatch(if_match.strip())
    if spelt is None:
        raise BadETag('If-Match holds a prediction\'s version in quotes, such as "1".')
    return int(spelt[1])


TermsDep = Annotated[Terms, Depends(get_terms)]
