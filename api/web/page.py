"""What every page needs: its route, its visitor, and how it is rendered."""

import functools
import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from api.accounts.service import Account
from api.deps import PersonDep, get_admin, get_reviewer, parts_of
from api.errors import DatabaseSilent, Unauthenticated, status_of
from api.strict import StrictRoute
from api.taxonomy import NoTaxonomy
from api.web.texts import LANGUAGES, Language, Texts, choose_language, texts_in
from core.domain.taxonomy import Category
from core.errors import EtalonError, Invalid, NotFound

STATIC = Path(__file__).parent / "static"
STATIC_PATH = "/static"
SIGN_IN_PATH = "/sign-in"
LANGUAGE_COOKIE = "etalon_language"
_A_YEAR_S = 365 * 24 * 3600

# Nothing but our own files, no script or style within the page, nobody's frame, no form that goes elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept, HX-Request, Cookie, Accept-Language",
}
_FAILURES = (EtalonError, HTTPException, RequestValidationError, OperationalError, InterfaceError, PoolTimeout)


class PageRoute(StrictRoute):
    """A route for people with a browser; programs that ask for the same address get the JSON route below it.

    It answers a GET whose ``Accept`` names HTML, or that a page's script sends for a part of the page. Whoever is not
    signed in is sent to sign in and comes back; a part is refused as JSON is, so that the page can ask and go on.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match nothing but a browser's requests."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or not _is_browser(scope):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler; failures are pages, too."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            chosen = request.query_params.get("lang")
            if chosen in LANGUAGES:
                return _in_language(request, chosen)
            try:
                response = await handle(request)
            except _FAILURES as error:
                if is_part(request):
                    raise
                response = _failure(request, error)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_page


def is_part(request: Request) -> bool:
    """Whether a page's script asks for a part of it."""
    return "hx-request" in request.headers


def _is_browser(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "hx-request" in headers or "text/html" in headers.get("accept", "").lower()


def _in_language(request: Request, chosen: str) -> Response:
    """The same address again, and the choice in a cookie: a link changes the language without a script."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    response = RedirectResponse(_address(request.url.path, asked), 303)
    secure = request.url.scheme == "https"
    response.set_cookie(LANGUAGE_COOKIE, chosen, _A_YEAR_S, samesite="lax", httponly=True, secure=secure)
    return response


def _address(path: str, query: list[tuple[str, str]]) -> str:
    # A path that began with two slashes would name another host.
    return quote("/" + path.lstrip("/")) + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page, and in which language; ``account`` is None for somebody who is not signed in."""

    account: Account | None
    texts: Texts

    @property
    def language(self) -> Language:
        """The language of the page."""
        return self.texts.language

    def named(self) -> Account:
        """The signed-in account.

        Raises:
            Unauthenticated: nobody is.
        """
        if self.account is None:
            raise Unauthenticated("Sign in first.")
        return self.account


def language_of(request: Request) -> Language:
    """The visitor's language."""
    return choose_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))


async def get_guest(request: Request) -> Visitor:
    """Anybody."""
    return Visitor(None, texts_in(language_of(request)))


async def get_visitor(request: Request, person: PersonDep) -> Visitor:
    """Somebody who is signed in; an API key opens no page."""
    request.state.caller = person  # a page that refuses them greets them by name, too
    return Visitor(person, texts_in(language_of(request)))


GuestDep = Annotated[Visitor, Depends(get_guest)]
VisitorDep = Annotated[Visitor, Depends(get_visitor)]


async def get_reviewing_visitor(visitor: VisitorDep) -> Visitor:
    """Somebody who may review."""
    await get_reviewer(visitor.named())
    return visitor


async def get_administering_visitor(visitor: VisitorDep) -> Visitor:
    """Somebody who administers."""
    await get_admin(visitor.named())
    return visitor


ReviewerVisitorDep = Annotated[Visitor, Depends(get_reviewing_visitor)]
AdminVisitorDep = Annotated[Visitor, Depends(get_administering_visitor)]


def render(request: Request, visitor: Visitor, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or a part of one.

    Args:
        request: what is answered.
        visitor: for whom; templates see ``account`` and ``language``, and write texts by ``t``.
        template: its path under ``templates``.
        status: HTTP status.
        context: what the template shows; everything in it is escaped.
    """
    texts, names = visitor.texts, _Names(request, visitor.language)
    html = (
        _environment()
        .get_template(template)
        .render(
            t=texts,
            number=texts.number,
            decimal=texts.decimal,
            percent=texts.percent,
            moment=texts.moment,
            category=names.category,
            theme=names.theme,
            page_texts=functools.partial(_page_texts, texts),
            asset=asset,
            account=visitor.account,
            language=visitor.language,
            languages=LANGUAGES,
            here=_address(request.url.path, request.query_params.multi_items()),
            with_language=lambda one: _address(
                request.url.path,
                [*((k, v) for k, v in request.query_params.multi_items() if k != "lang"), ("lang", one)],
            ),
            path=request.url.path,
            **context,
        )
    )
    return HTMLResponse(html, status)


class _Names:
    """Categories in the visitor's language; the taxonomy is read when the first is named."""

    def __init__(self, request: Request, language: Language) -> None:
        self._file = parts_of(request).taxonomy
        self._french = language == "fr"

    def _find(self, code: int) -> Category | None:
        try:
            taxonomy = self._file.current()
        except NoTaxonomy:
            return None
        return taxonomy.require(code) if code in taxonomy else None

    def category(self, code: int) -> str:
        """The label; the code itself where it has left the taxonomy."""
        found = self._find(code)
        return str(code) if found is None else found.label_fr if self._french else found.label

    def theme(self, code: int) -> str:
        """The theme; empty where there is none."""
        found = self._find(code)
        return "" if found is None else (found.theme_fr or found.theme) if self._french else found.theme


@functools.cache
def _environment() -> Environment:
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(
        loader=folder,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _page_texts(texts: Texts, *files: str) -> Markup:
    """The texts of some files for the page's script: data, which no browser runs."""
    return as_data("texts", {file: texts.file(file) for file in files})


def as_data(element_id: str, value: Any) -> Markup:
    """A value for the page's script, in an element that holds data and is never run."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Within <script> only these begin something else.
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup('<script type="application/json" id="{}">{}</script>').format(element_id, Markup(safe))  # noqa: S704


@functools.cache
def asset(name: str) -> str:
    """The address of one of our files; another content is another address.

    Raises:
        FileNotFoundError: there is no such file.
    """
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"{STATIC_PATH}/{name}?v={digest[:8]}"


def _failure(request: Request, error: Exception) -> Response:
    """A page that says what went wrong; whoever is not signed in is asked to."""
    if isinstance(error, Unauthenticated):
        back = urlencode({"next": _address(request.url.path, request.query_params.multi_items())})
        return RedirectResponse(f"{SIGN_IN_PATH}?{back}", 303)
    status, code = _kind_of(error)
    visitor = Visitor(getattr(request.state, "caller", None), texts_in(language_of(request)))
    known = visitor.texts.has(f"page.failure_{status}")
    response = render(request, visitor, "failure.html", status=status, failure=status if known else 500, code=code)
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def _kind_of(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, NotFound.code if error.status_code == 404 else ""
    if isinstance(error, RequestValidationError):
        return status_of(Invalid("")), Invalid.code
    ours = error if isinstance(error, EtalonError) else DatabaseSilent("")
    return status_of(ours), ours.code
