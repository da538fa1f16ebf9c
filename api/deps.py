"""What routes ask for: the caller, a transaction, and the parts of the service."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.eraser import Eraser
from api.accounts.keys import KeyNotAllowed
from api.accounts.service import Account, AccountService
from api.decoding import Decoder
from api.drain import Drain
from api.errors import Forbidden, Unauthenticated
from api.evidence.guidelines import GuidelinesFile
from api.evidence.service import EvidenceDesk
from api.health.service import HealthService
from api.metrics.instruments import Instruments
from api.predictions.admission import Admission, Crowd, Reception
from api.serving.engine import ServingEngine
from api.sessions import cookie
from api.sessions.service import SessionService
from api.settings import ServiceSettings
from api.taxonomy import TaxonomyFile
from api.trends.service import TrendsService
from core.domain.roles import Role
from core.domain.taxonomy import Taxonomy
from core.reserve import Reserve
from core.store.shelf import Shelf
from preprocessing.images import ImageFolder


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the process; wired in ``api/app.py``.

    Routes open and end their transactions themselves, in their own thread (``with readers()``, ``transact``).
    A session that FastAPI ends would keep its locks while the route's answer queues for a thread to be
    serialised in, behind the very threads that wait for those locks.
    """

    settings: ServiceSettings
    database: Engine
    sessions: sessionmaker[Session]
    readers: sessionmaker[Session]
    accounts: AccountService
    browsers: SessionService
    eraser: Eraser
    images: ImageFolder
    decoder: Decoder
    health: HealthService
    taxonomy: TaxonomyFile
    reserve: Reserve
    serving: ServingEngine
    admission: Admission
    crowd: Crowd
    reception: Reception
    drain: Drain
    instruments: Instruments
    trends: TrendsService
    shelf: Shelf
    evidence: EvidenceDesk
    guidelines: GuidelinesFile


def parts_of(request: Request) -> Parts:
    """The parts of the process that serves a request."""
    return request.app.state.parts


# What only looks something up is ``async``: the framework takes a thread for every other dependency, and under load
# each of them waits for its turn twice.
async def get_parts(request: Request) -> Parts:
    """The process's parts."""
    return parts_of(request)


PartsDep = Annotated[Parts, Depends(get_parts)]


async def get_accounts(parts: PartsDep) -> AccountService:
    """The accounts."""
    return parts.accounts


AccountsDep = Annotated[AccountService, Depends(get_accounts)]


def get_taxonomy(parts: PartsDep) -> Taxonomy:
    """The active taxonomy."""
    return parts.taxonomy.current()


TaxonomyDep = Annotated[Taxonomy, Depends(get_taxonomy)]

_bearer = OAuth2PasswordBearer(
    tokenUrl="token", auto_error=False, description="An access token, or an API key of one's account."
)


async def get_caller(
    request: Request, accounts: AccountsDep, token: Annotated[str | None, Depends(_bearer)]
) -> Account:
    """The signed-in account: by token or API key; where a request brings neither, by a browser's session.

    Raises:
        Unauthenticated: no bearer token, API key or session, several, or one that is not valid.
        ForeignRequest: a session, but the request may change something and no page of ours sent it.
        TooManyRequests: the account, or this key of it, asks too often.
    """
    known: Account | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    sent = request.headers.getlist("authorization")
    if not sent and (secret := cookie.secret_in(request)) is not None:
        cookie.require_own_page(request)
        return await run_in_threadpool(_recognise_session, request, secret)
    if token is None or len(sent) != 1:
        raise Unauthenticated("Sign in at /token and send the token once, as Authorization: Bearer.")
    return await run_in_threadpool(_recognise, accounts, token)


def _recognise_session(request: Request, secret: str) -> Account:
    parts = parts_of(request)
    signed = request.state.signed = parts.browsers.recognise(secret)
    parts.accounts.admit(signed.account)
    return signed.account


def _recognise(accounts: AccountService, token: str) -> Account:
    caller = accounts.recognise(token)
    accounts.admit(caller)
    return caller


async def recognise_early(request: Request) -> None:
    """Recognise the caller before the body is read: nobody who is not signed in makes us read megabytes.

    Raises:
        EtalonError: what ``get_caller`` raises.
    """
    request.state.caller = await get_caller(request, parts_of(request).accounts, await _bearer(request))


CallerDep = Annotated[Account, Depends(get_caller)]


async def get_person(caller: CallerDep) -> Account:
    """The signed-in account, signed in with its password.

    Raises:
        KeyNotAllowed: with an API key.
    """
    if caller.key_id is not None:
        raise KeyNotAllowed
    return caller


PersonDep = Annotated[Account, Depends(get_person)]


async def get_reviewer(caller: CallerDep) -> Account:
    """The signed-in account, which may review.

    Raises:
        Forbidden: it may not.
    """
    if not caller.role.covers(Role.REVIEWER):
        raise Forbidden("This takes the role reviewer.")
    return caller


ReviewerDep = Annotated[Account, Depends(get_reviewer)]


async def get_admin(caller: CallerDep) -> Account:
    """The signed-in account, which administers.

    Raises:
        Forbidden: it does not.
    """
    if not caller.role.covers(Role.ADMIN):
        raise Forbidden("This takes the role admin.")
    return caller


AdminDep = Annotated[Account, Depends(get_admin)]


async def get_manager(admin: AdminDep, person: PersonDep) -> Account:
    """The signed-in admin, signed in with their password: whoever manages accounts.

    Raises:
        Forbidden: it does not administer, or came with an API key.
    """
    return admin


ManagerDep = Annotated[Account, Depends(get_manager)]


def open_to(who: str, *, owner: Literal["only", "never"] | None = None, keys: bool = True) -> dict[str, Any]:
    """OpenAPI's note of who may call a route; the tests of every route by every caller are made from it.

    Args:
        who: ``anyone``, ``customer`` (any signed-in account), or a higher role.
        owner: for a route about one thing of somebody's. ``only``: for everybody else it does not exist (404).
            ``never``: the sender of a product is refused (403). None: customers see their own, staff see all.
        keys: whether an API key may call it (403 otherwise).
    """
    return {"x-role": who, "x-keys": keys} | ({"x-owner": owner} if owner else {})
