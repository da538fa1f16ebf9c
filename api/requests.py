"""What a deciding request says of itself: the version it was made on, and a name so that it may be sent twice."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header
from sqlalchemy.orm import Session, sessionmaker

from api.errors import RefusedBefore, refusal_of
from core.db.repositories import request_keys
from core.db.session import transact
from core.errors import EtalonError, Invalid

_Answer = TypeVar("_Answer")

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

    def settle(
        self,
        sessions: sessionmaker[Session],
        *,
        actor_id: str,
        request: tuple[Any, ...],
        decide: Callable[[Session], _Answer],
        repeated: Callable[[Session], _Answer],
    ) -> _Answer:
        """Decide once and commit. A named request that comes again is answered again and decides nothing.

        That a request was refused because of how things stood is remembered too: they may stand otherwise when a
        late copy of it arrives, and its sender was told that nothing happened.

        Args:
            sessions: sessions that may change the database.
            actor_id: the caller.
            request: what is asked for, as plain JSON values; equal for equal requests.
            decide: makes the decision.
            repeated: reads what it came to, for a request that was decided before.

        Raises:
            KeyReused: its name was used for another request.
            RefusedBefore: it was refused before.
        """
        if self.key is None:
            return transact(sessions, decide)
        content = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        enter = partial(request_keys.enter, actor_id=actor_id, key=self.key, request_sha256=content)

        def work(session: Session) -> _Answer:
            known = enter(session)
            if known is None:
                return decide(session)
            if known.refusal is not None:
                raise RefusedBefore(**known.refusal)
            return repeated(session)

        try:
            return transact(sessions, work)
        except EtalonError as error:
            refusal = refusal_of(error)
            if refusal is None or transact(sessions, partial(enter, refusal=refusal)) is None:
                raise
        return transact(sessions, work)  # a copy of it was faster: its answer is the answer


async def get_terms(
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
