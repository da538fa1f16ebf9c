"""More than 500 odd texts through the text fields of accounts, keys, models and wishes; no field is left out."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.api import naughty, text_fields
from tests.api.document import Operation, operations, resolve
from tests.api.service import Etalon
from tests.api.text_fields import FIELDS, STORED, Desk

_AT_ONCE = 3
_PLAIN = ("POST /predict designation", "POST /predict description")
_REASONS = (
    "POST /predictions/{prediction_id}/validate reason",
    "POST /predictions/{prediction_id}/undo reason",
    "POST /predictions/{prediction_id}/retract reason",
    "POST /predictions/{prediction_id}/correct reason",
    "POST /predictions/validate reason",
    "POST /predictions/undo reason",
    "POST /admin/retractions reason",
)
ELSEWHERE = {*_PLAIN, *_REASONS}
"""The fields that ``test_naughty_texts.py`` sends its texts through."""
_ONE_BY_ONE = STORED | {text_fields.change_password, text_fields.promote, text_fields.roll_back}
_ONCE_EACH = list(dict.fromkeys(FIELDS.values()))


def test_every_text_field_of_the_document_is_tried() -> None:
    declared = {f"{operation} {name}" for operation in operations() for name in _texts_of(operation)}
    assert declared == FIELDS.keys() | ELSEWHERE


def _texts_of(operation: Operation) -> Iterator[str]:
    if operation.content_type is None:
        return
    for name, schema in operation.body.get("properties", {}).items():
        if _is_free(resolve(schema)):
            yield name


def _is_free(schema: dict[str, Any]) -> bool:
    """Whether a field takes any text."""
    return schema.get("type") == "string" and "enum" not in schema and schema.get("format", "password") == "password"


@pytest.fixture(scope="module")
def desk(etalon: Etalon) -> Desk:
    return Desk(etalon)


@pytest.mark.parametrize("send", [send for send in _ONCE_EACH if send not in STORED], ids=lambda send: send.__name__)
def test_every_text_is_taken_as_it_is_or_refused(desk: Desk, send: Callable[[Desk, str], None]) -> None:
    _send_all(desk, send)


@pytest.mark.parametrize("etalon", ["sqlite", "mariadb"], indirect=True)
@pytest.mark.parametrize("send", sorted(STORED, key=lambda send: send.__name__), ids=lambda send: send.__name__)
def test_every_text_is_kept_as_it_is_or_refused(desk: Desk, send: Callable[[Desk, str], None]) -> None:
    _send_all(desk, send)


def _send_all(desk: Desk, send: Callable[[Desk, str], None]) -> None:
    texts = [text for text in naughty.texts() if len(text) < 6_000]
    if send in _ONE_BY_ONE:
        for text in texts:
            send(desk, text)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda text: send(desk, text), texts))


@pytest.mark.parametrize("operation", [one for one in operations() if one.method == "GET"], ids=str)
def test_every_text_in_a_query_finds_something_or_is_refused(desk: Desk, operation: Operation) -> None:
    """Wildcards and quotes included: nothing that is asked for becomes part of a statement."""
    free = [name for name, schema in operation.parameters("query").items() if _is_free(schema)]
    for name in free:
        for text in naughty.texts():
            answer = desk.http.get(f"{operation.path}?{name}={quote(text)}", headers=desk.admin.headers)
            assert answer.status_code in (200, 204, 422), (name, text[:40], answer.text[:300])
