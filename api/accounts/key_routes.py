"""API keys of the signed-in person; a key itself manages none."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.accounts import keys
from api.accounts.keys import NewSecret
from api.accounts.schemas import KeyList, KeyMade, KeyRead, NewKey
from api.deps import PartsDep, PersonDep, open_to
from api.errors import problems
from api.strict import StrictRoute
from core.db.repositories import api_keys
from core.db.session import transact

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


@router.get("/users/me/keys", responses=problems(401, 403, 503), openapi_extra=open_to("customer", keys=False))
def list_keys(person: PersonDep, parts: PartsDep) -> KeyList:
    """One's keys that are not revoked. Their secrets are not kept."""
    with parts.readers() as session:
        rows = api_keys.live_of(session, person.id)
    return KeyList(items=[KeyRead.from_row(row) for row in rows])


@router.post(
    "/users/me/keys",
    status_code=201,
    responses=problems(400, 401, 403, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("customer", keys=False),
)
def make_key(body: NewKey, person: PersonDep, parts: PartsDep) -> KeyMade:
    """Make a key for a server: it acts with one's role and does not expire. Its secret is shown this once."""
    secret = NewSecret.make()
    row = transact(parts.sessions, lambda session: keys.add(session, person.id, name=body.name, secret=secret))
    return KeyMade.from_new(row, secret.text)


@router.delete(
    "/users/me/keys/{key_id}",
    status_code=204,
    responses=problems(401, 403, 404, 422, 503),
    openapi_extra=open_to("customer", owner="only", keys=False),
)
def revoke_key(key_id: Annotated[str, Path(max_length=64)], person: PersonDep, parts: PartsDep) -> Response:
    """Revoke a key: from now on it signs nobody in."""
    transact(parts.sessions, lambda session: keys.revoke(session, person.id, key_id))
    return Response(status_code=204)
