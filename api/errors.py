"""The only place that knows HTTP statuses: every answer that is no success is a problem document (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.allow import methods_of
from core.errors import Conflict, EtalonError, Invalid, NotFound, Unavailable
from preprocessing.images import ImageTooLarge

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PROBLEMS_PATH = "/problems"
RETRY_AFTER_S = 2


class Malformed(EtalonError):
    """The request is not HTTP, JSON or a form as they are meant to be written."""

    code = "request.malformed"


class MethodNotAllowed(EtalonError):
    """There is such an address, but not for this method; the header Allow names those it is for."""

    code = "request.method_not_allowed"


class BodyTooSlow(EtalonError):
    """The body was not complete in time."""

    code = "request.timeout"


class BodyTooLarge(EtalonError):
    """The body has more bytes than this address takes; the rest of it was not read."""

    code = "request.too_large"


class EncodedBody(EtalonError):
    """The body is compressed; bodies are sent as they are."""

    code = "request.unsupported_encoding"


class Mistake(EtalonError):
    """The service has a fault; its operators find it in the log by the request's id."""

    code = "service.mistake"


class DatabaseSilent(Unavailable):
    """The database is locked, gone, silent or overloaded. Unless the connection broke just then, nothing changed."""

    code = "database.unavailable"


class Unauthenticated(EtalonError):
    """Nobody is signed in: the token is missing, forged, expired or revoked, or the password is wrong."""

    code = "account.unauthenticated"


class Forbidden(EtalonError):
    """The signed-in account's role does not cover this."""

    code = "account.role_too_low"


class TooManyAttempts(EtalonError):
    """The caller has to wait ``retry_after_s`` before asking again."""

    code = "account.too_many_attempts"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StaleVersion(Conflict):
    """The caller named a version that is not the newest."""

    code = "review.stale_version"


class ItemRefused(EtalonError):
    """One of several decisions was refused, so none was made; its answer is that of the one refusal.

    Attributes:
        index: which item, counted from 0.
        item_id: what it was about.
        refusal: why; the answer has its code and its status.
    """

    def __init__(self, index: int, item_id: str, refusal: EtalonError) -> None:
        super().__init__(f"Item {index} ({item_id}): {refusal} Nothing was decided.")
        self.index = index
        self.item_id = item_id
        self.refusal = refusal


class RefusedBefore(EtalonError):
    """A copy of a request that was refused under the same name; it gets the same answer.

    Attributes:
        status: the HTTP status of the first answer, ``detail``, ``code`` and ``errors`` what it said.
    """

    def __init__(self, status: int, detail: str, code: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.errors = errors


class FieldError(BaseModel):
    """One thing wrong with a request: where, and which rule. What was sent is not repeated."""

    loc: list[str | int]
    message: str
    rule: str


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457). ``code`` is stable; ``detail`` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldError] | None = None


# The first class in an error's ancestry that stands here decides.
STATUSES: dict[type[EtalonError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    TooManyAttempts: 429,
    Malformed: 400,
    MethodNotAllowed: 405,
    BodyTooSlow: 408,
    BodyTooLarge: 413,
    EncodedBody: 415,
    StaleVersion: 412,
    ImageTooLarge: 413,
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    EtalonError: 500,
}
# What the framework refuses by a bare status.
_FRAMEWORK: dict[int, type[EtalonError]] = {
    401: Unauthenticated,
    404: NotFound,
    422: Invalid,
    **{STATUSES[kind]: kind for kind in (Malformed, MethodNotAllowed, BodyTooSlow, BodyTooLarge, EncodedBody)},
}


def status_of(error: EtalonError) -> int:
    """The HTTP status of one of our errors."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[EtalonError]) -> int:
    """The HTTP status of a class of our errors: that of its nearest ancestor with one."""
    return next(STATUSES[ancestor] for ancestor in kind.__mro__ if ancestor in STATUSES)


def type_of(code: str) -> str:
    """The ``type`` of a problem: a reference to what its code means."""
    return f"{PROBLEMS_PATH}/{code}"


def title_of(code: str) -> str:
    """The kind of problem in a few words: the same for every problem of the kind."""
    return code.rpartition(".")[2].replace("_", " ").capitalize()


def problem_response(
    request_id: str,
    status: int,
    detail: str,
    *,
    code: str | None = None,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer with a problem document; 401 and 503 get the headers that they owe."""
    code = code or _FRAMEWORK.get(status, Mistake).code
    problem = Problem(
        type=type_of(code),
        title=title_of(code),
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
        errors=list(errors) if errors is not None else None,
    )
    owed = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": str(RETRY_AFTER_S)}}.get(status, {})
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers={**owed, **(headers or {})}, media_type=MEDIA_TYPE
    )


def refusal_of(error: EtalonError) -> dict[str, Any] | None:
    """What ``RefusedBefore`` takes to repeat the refusal; None for an error that is not about how things stand."""
    cause = error.refusal if isinstance(error, ItemRefused) else error
    if not isinstance(cause, Conflict):
        return None
    errors = [_item_error(error).model_dump()] if isinstance(error, ItemRefused) else None
    return {"status": status_of(cause), "detail": str(error), "code": cause.code, "errors": errors}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides its success, for OpenAPI.

    500 is declared for every route, and 429 for those that want a sign-in: whoever is signed in may ask too often.
    """
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    always = (429, 500) if 401 in statuses else (500,)
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in (*statuses, *always)}


def install(app: FastAPI) -> None:
    """Answer every error that a route, a dependency or the framework raises."""
    app.add_exception_handler(EtalonError, _on_ours)
    app.add_exception_handler(HTTPException, _on_framework)
    app.add_exception_handler(RequestValidationError, _on_validation)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, _on_database)


def _on_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EtalonError)  # noqa: S101 - registered for nothing else
    if isinstance(error, ItemRefused):
        return _on_item(request, error)
    if isinstance(error, RefusedBefore):
        errors = [FieldError(**one) for one in error.errors] if error.errors else None
        return problem_response(request.state.request_id, error.status, str(error), code=error.code, errors=errors)
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.info("request.unavailable", extra={"code": error.code, "request_id": request.state.request_id})
    wait = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
    return problem_response(request.state.request_id, status, str(error), code=error.code, headers=wait)


def _on_item(request: Request, error: ItemRefused) -> JSONResponse:
    refusal, errors = error.refusal, [_item_error(error)]
    return problem_response(request.state.request_id, status_of(refusal), str(error), code=refusal.code, errors=errors)


def _item_error(error: ItemRefused) -> FieldError:
    message = f"{error.item_id}: {error.refusal}"
    return FieldError(loc=["body", "items", error.index], message=message, rule=error.refusal.code)


def _on_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := methods_of(request)):
        headers["Allow"] = methods
    return problem_response(request.state.request_id, error.status_code, str(error.detail), headers=headers)


def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    found = [_field_error(item) for item in error.errors()]
    return problem_response(request.state.request_id, 422, "The request breaks a rule.", errors=found[:20])


def _field_error(item: Mapping[str, Any]) -> FieldError:
    """A validation error without the input: an unknown field's name is input too."""
    rule = str(item["type"])
    where = [part for part in item["loc"] if isinstance(part, str | int)]
    if rule == "extra_forbidden":
        where[-1] = "(unknown field)"
    message = str(item["ctx"]["error"]) if rule == "json_invalid" else str(item["msg"])
    return FieldError(loc=where, message=message, rule=rule)


def _on_database(request: Request, error: Exception) -> JSONResponse:
    """Locked, gone, silent or overloaded: the caller may ask again.

    Nothing was committed, unless the connection was lost while committing; then asking again under the same
    Idempotency-Key, or for the same version, tells.
    """
    _log.error("database.unavailable", exc_info=error, extra={"request_id": request.state.request_id})
    return problem_response(
        request.state.request_id, 503, "The database does not answer; try again.", code=DatabaseSilent.code
    )
