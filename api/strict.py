"""Reading bodies without the tolerance of the standard parsers.

JSON: UTF-8 only, no NaN or Infinity, no number that overflows to one, no duplicate keys, no lone
surrogates, no nesting that exhausts the stack. Forms: one file, few fields, each at most once, UTF-8 only.
"""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from api.turns import answer_in_turn

MAX_FIELDS = 16
MAX_FIELD_BYTES = 64 * 1024


def parse_json(body: bytes) -> Any:
    """Parse one JSON document.

    Raises:
        json.JSONDecodeError: it is not strict JSON; the message does not repeat any of it.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=lambda name: _refuse("NaN and Infinity are not JSON"),
            parse_float=_finite,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError:
        raise
    except UnicodeError:
        _refuse("text must be valid UTF-8")
    except RecursionError:
        _refuse("nested too deeply")
    except ValueError:  # more digits than Python converts
        _refuse("a number has too many digits")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        _refuse("a key stands twice")
    return dict(pairs)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse("a number is too large")
    return number


def _refuse(why: str) -> NoReturn:
    raise json.JSONDecodeError(why, "", 0) from None


class _Utf8MultiPart(MultiPartParser):
    """The parser's own fallback reads text that is not UTF-8 as Latin-1, whatever was meant."""

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            _require_utf8(bytes(part.data))
        super().on_part_end()

    def on_headers_finished(self) -> None:
        _require_utf8(self._current_part.content_disposition or b"")
        super().on_headers_finished()


class _Utf8Form(FormParser):
    """The parser's own reading puts question marks for what is not UTF-8, and letters of Latin-1 for what is."""

    def on_field_end(self) -> None:
        super().on_field_end()
        self._items[-1] = (_unquoted(self._field_name), _unquoted(self._field_value))


def _unquoted(data: bytearray) -> str:
    return _require_utf8(unquote_to_bytes(bytes(data).replace(b"+", b" ")))


def _require_utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MultiPartException("Form text must be UTF-8.") from None


class StrictRequest(Request):
    """A request whose JSON and forms are parsed strictly."""

    async def json(self) -> Any:
        """The body as JSON.

        Raises:
            json.JSONDecodeError: see ``parse_json``.
        """
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json

    async def form(self, **limits: Any) -> FormData:  # type: ignore[override]
        """The body as a form; the limits are ours. Another content type is an empty form.

        Raises:
            HTTPException: 400, it is not a form as described above.
        """
        if self._form is None:
            try:
                self._form = await self._read_form()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        return self._form

    async def _read_form(self) -> FormData:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            limits = {"max_files": 1, "max_fields": MAX_FIELDS, "max_part_size": MAX_FIELD_BYTES}
            form = await _Utf8MultiPart(self.headers, self.stream(), **limits).parse()
        elif kind == "application/x-www-form-urlencoded":
            form = await _Utf8Form(
                self.headers, self.stream(), max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
            ).parse()
        else:
            form = FormData()
        if len(form.multi_items()) > len(form):
            await form.close()
            raise MultiPartException("A field stands twice.")
        return form


class StrictRoute(APIRoute):
    """A route that reads its body through ``StrictRequest``, after its caller was recognised, and answers in time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler over a strict request."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None
        for_anyone = (self.openapi_extra or {}).get("x-role") == "anyone"

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            return await answer_in_turn(strict, handle, has_body=has_body, for_anyone=for_anyone)

        return handle_strictly
