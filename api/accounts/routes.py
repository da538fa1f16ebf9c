"""Signing in, registering, and what people do with their own account."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

import api.accounts.admin_routes
import api.accounts.key_routes
from api.accounts import changes
from api.accounts.schemas import (
    AccountRead,
    PasswordChange,
    PasswordForm,
    Reactivation,
    Registration,
    Renaming,
    TokenRead,
)
from api.accounts.service import AccountService
from api.accounts.strength import require_strong
from api.deps import AccountsDep, CallerDep, PartsDep, PersonDep, open_to
from api.errors import problems
from api.strict import StrictRoute
from core.db.models import UserAccount
from core.db.repositories import users
from core.db.session import transact
from core.domain.roles import Role

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


@router.post("/token", responses=problems(400, 401, 408, 413, 415, 422, 429, 503), openapi_extra=open_to("anyone"))
async def sign_in(form: Annotated[PasswordForm, Form()], accounts: AccountsDep, request: Request) -> TokenRead:
    """Exchange a username and password for an access token (OAuth2 password form)."""
    work = partial(
        accounts.sign_in,
        form.username,
        form.password.get_secret_value(),
        address=_address(request),
        now=datetime.now(UTC),
    )
    return _read_token(accounts, await accounts.turnstile.run(work))


@router.post(
    "/users",
    status_code=201,
    responses=problems(400, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=open_to("anyone"),
)
async def register(body: Registration, parts: PartsDep, request: Request) -> AccountRead:
    """Open an account as a customer. Sign in at `/token` then."""
    password = body.password.get_secret_value()

    def work() -> UserAccount:
        require_strong(password, body.username)
        parts.accounts.throttle.count_registration(_address(request))
        hashed = parts.accounts.passwords.hash(password)
        opened = {"username": body.username, "password_hash": hashed, "role": Role.CUSTOMER, "by": None}
        return transact(parts.sessions, lambda session: changes.open_account(session, **opened))

    return AccountRead.from_row(await parts.accounts.turnstile.run(work))


@router.post(
    "/users/reactivate",
    responses=problems(400, 401, 408, 413, 415, 422, 429, 503),
    openapi_extra=open_to("anyone"),
)
async def reactivate(body: Reactivation, accounts: AccountsDep, request: Request) -> TokenRead:
    """Open one's own account again after deactivating it, and sign in."""
    work = partial(
        accounts.reactivate,
        body.username,
        body.password.get_secret_value(),
        address=_address(request),
        now=datetime.now(UTC),
    )
    return _read_token(accounts, await accounts.turnstile.run(work))


@router.get("/users/me", responses=problems(401, 404, 503), openapi_extra=open_to("customer"))
def read_me(caller: CallerDep, parts: PartsDep) -> AccountRead:
    """One's own account; with an API key, the account it belongs to."""
    with parts.readers() as session:
        row = users.by_id(session, caller.id)
    if row is None:
        raise changes.UnknownAccount
    return AccountRead.from_row(row)


@router.patch(
    "/users/me",
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("customer", keys=False),
)
def rename_me(body: Renaming, person: PersonDep, parts: PartsDep, request: Request) -> AccountRead:
    """Take another name. It counts as a registration of this address: the answer tells whether a name is taken."""
    parts.accounts.throttle.count_registration(_address(request))
    return AccountRead.from_row(
        transact(parts.sessions, lambda session: changes.rename(session, person, body.username))
    )


@router.delete(
    "/users/me",
    status_code=204,
    responses={202: {"description": "Accepted"}, **problems(401, 403, 404, 409, 503)},
    openapi_extra=open_to("customer", keys=False),
)
def delete_me(person: PersonDep, parts: PartsDep) -> Response:
    """Delete one's account with everything one has sent, for good.

    204: all of it is erased. 202: nobody signs in to it any more, and the rest of its products are being erased.
    """
    transact(parts.sessions, lambda session: changes.delete(session, person.id, by=person))
    done = parts.eraser.erase_now(person.id, actor_id=person.id)
    return Response(status_code=204 if done else 202)


@router.post(
    "/users/me/password",
    responses=problems(400, 401, 403, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("customer", keys=False),
)
async def change_password(
    body: PasswordChange, person: PersonDep, accounts: AccountsDep, request: Request
) -> TokenRead:
    """Replace one's password. Every token is revoked; the answer holds a new one. API keys stay as they are."""
    work = partial(
        accounts.change_password,
        person,
        body.old_password.get_secret_value(),
        body.new_password.get_secret_value(),
        address=_address(request),
        now=datetime.now(UTC),
    )
    return _read_token(accounts, await accounts.turnstile.run(work))


@router.post(
    "/users/me/deactivate",
    status_code=204,
    responses=problems(401, 403, 404, 409, 503),
    openapi_extra=open_to("customer", keys=False),
)
def deactivate_me(person: PersonDep, parts: PartsDep) -> Response:
    """Close one's account until one opens it again at `/users/reactivate`. Products and keys stay, asleep."""
    transact(parts.sessions, lambda session: changes.deactivate(session, person))
    return Response(status_code=204)


@router.delete(
    "/users/me/sessions",
    status_code=204,
    responses=problems(401, 403, 404, 503),
    openapi_extra=open_to("customer", keys=False),
)
def sign_out_everywhere(person: PersonDep, parts: PartsDep) -> Response:
    """End every session and revoke every token of one's account, this one's too. API keys stay as they are."""
    transact(parts.sessions, lambda session: changes.sign_out_everywhere(session, person))
    return Response(status_code=204)


def _read_token(accounts: AccountService, token: str) -> TokenRead:
    return TokenRead(access_token=token, expires_in=accounts.token_lifetime_s)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


router.include_router(api.accounts.key_routes.router)
router.include_router(api.accounts.admin_routes.router)
