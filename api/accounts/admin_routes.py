"""Accounts as admins see them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.accounts import changes, cursors
from api.accounts.changes import Change, UnknownAccount
from api.accounts.schemas import AccountChange, AccountPage, AccountRead, NewAccount
from api.accounts.service import Account
from api.accounts.strength import require_strong
from api.deps import ManagerDep, Parts, PartsDep, open_to
from api.errors import problems
from api.strict import StrictRoute
from core.db.models import UserAccount
from core.db.repositories import users
from core.db.session import transact
from core.domain.roles import Role

router = APIRouter(tags=["accounts"], route_class=StrictRoute)

UserId = Annotated[str, Path(max_length=64)]


@router.get("/admin/users", responses=problems(401, 403, 422, 503), openapi_extra=open_to("admin", keys=False))
def list_accounts(
    manager: ManagerDep,
    parts: PartsDep,
    active: bool | None = None,
    role: Role | None = None,
    text: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> AccountPage:
    """Accounts by name, and how many there are in all. `text` is any part of a name."""
    after = cursors.decode(cursor) if cursor is not None else None
    wanted = text.lower() if text else None
    with parts.readers() as session:
        rows = users.page(session, active=active, role=role, text=wanted, after=after, limit=limit + 1)
        counts = users.count(session)
    shown = rows[:limit]
    return AccountPage.from_rows(shown, counts, cursors.encode(shown[-1].username) if len(rows) > limit else None)


@router.post(
    "/admin/users",
    status_code=201,
    responses=problems(400, 401, 403, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("admin", keys=False),
)
async def open_account(body: NewAccount, manager: ManagerDep, parts: PartsDep) -> AccountRead:
    """Open an account of any role."""
    work = partial(_open, parts, body, manager)
    return AccountRead.from_row(await parts.accounts.turnstile.run(work))


@router.patch(
    "/admin/users/{user_id}",
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("admin", keys=False),
)
async def change_account(user_id: UserId, body: AccountChange, manager: ManagerDep, parts: PartsDep) -> AccountRead:
    """Change name, role or state, or set a new password, which revokes the account's tokens.

    Nobody changes their own role, and the last active admin stays one (409).
    """
    work = partial(_change, parts, user_id, body, manager)
    return AccountRead.from_row(await parts.accounts.turnstile.run(work))


@router.delete(
    "/admin/users/{user_id}",
    status_code=204,
    responses={202: {"description": "Accepted"}, **problems(401, 403, 404, 409, 422, 503)},
    openapi_extra=open_to("admin", keys=False),
)
def delete_account(user_id: UserId, manager: ManagerDep, parts: PartsDep) -> Response:
    """Delete an account with everything it has sent, for good. Decisions that it made stay, without its name.

    204: all of it is erased. 202: nobody signs in to it any more, and the rest of its products are being erased.
    """
    transact(parts.sessions, lambda session: changes.delete(session, user_id, by=manager))
    done = parts.eraser.erase_now(user_id, actor_id=manager.id)
    return Response(status_code=204 if done else 202)


def _open(parts: Parts, body: NewAccount, manager: Account) -> UserAccount:
    password = body.password.get_secret_value()
    require_strong(password, body.username)
    opened = {"username": body.username, "password_hash": parts.accounts.passwords.hash(password)}
    return transact(
        parts.sessions, lambda session: changes.open_account(session, **opened, role=body.role, by=manager.id)
    )


def _change(parts: Parts, user_id: str, body: AccountChange, manager: Account) -> UserAccount:
    wanted = Change(body.username, body.role, body.active, _hashed(parts, user_id, body))
    return transact(parts.sessions, lambda session: changes.change(session, user_id, wanted, by=manager))


def _hashed(parts: Parts, user_id: str, body: AccountChange) -> str | None:
    if body.password is None:
        return None
    with parts.readers() as session:
        row = users.by_id(session, user_id)
    if row is None:
        raise UnknownAccount
    password = body.password.get_secret_value()
    require_strong(password, body.username or row.username)
    return parts.accounts.passwords.hash(password)
