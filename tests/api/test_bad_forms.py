"""Hostile forms and uploads on every route that takes some: refused, nothing of them repeated or kept."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api import forms, hostile_photos
from tests.api.conftest import Target
from tests.api.document import FORM, JSON, Operation, operations
from tests.api.refusals import BAD_INPUT, SIGN_IN, nothing_done, require_refused
from tests.api.samples import body_of

WITH_FORMS = [operation for operation in operations() if operation.content_type not in (None, JSON)]
WITH_UPLOADS = [operation for operation in WITH_FORMS if operation.content_type == FORM]


def _fields() -> Iterator[Any]:
    for operation in WITH_FORMS:
        for name, form in forms.broken_fields(operation, body_of(operation)):
            yield pytest.param(operation, form, id=f"{operation} {name}")


def _uploads() -> Iterator[Any]:
    for name, data in hostile_photos.all_of_them(hostile_photos.drawn("JPEG")):
        yield pytest.param(data, id=name)


@pytest.mark.parametrize("operation", WITH_UPLOADS, ids=str)
def test_a_good_form_is_taken_and_is_seen_to_be(target: Target, operation: Operation) -> None:
    """Else the others would be refused for another reason, or leave something behind unnoticed."""
    before = target.etalon.state()
    fields = [forms.part(name.encode(), value.encode()) for name, value in body_of(operation).items()]
    form = forms.multipart([*fields, forms.part(b"image", target.etalon.photo, b"../../s3ntinel.jpg")])
    assert _send(target, operation, form).status_code == 201
    assert target.etalon.state() != before


@pytest.mark.parametrize("form", [pytest.param(form, id=name) for name, form in forms.BROKEN.items()])
@pytest.mark.parametrize("operation", WITH_FORMS, ids=str)
def test_a_body_that_is_no_form_of_the_route_is_refused(target: Target, operation: Operation, form: forms.Form) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, form), operation)


@pytest.mark.parametrize(("operation", "form"), list(_fields()))
def test_a_field_that_breaks_its_rule_is_refused(target: Target, operation: Operation, form: forms.Form) -> None:
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, form), operation, SIGN_IN if operation.role == "anyone" else BAD_INPUT)


@pytest.mark.parametrize("data", list(_uploads()))
@pytest.mark.parametrize("operation", WITH_UPLOADS, ids=str)
def test_an_upload_that_is_no_photo_is_refused(target: Target, operation: Operation, data: bytes) -> None:
    fields = [forms.part(name.encode(), value.encode()) for name, value in body_of(operation).items()]
    with nothing_done(target.etalon):
        form = forms.multipart([*fields, forms.part(b"image", data, b"../../s3ntinel.jpg")])
        require_refused(_send(target, operation, form), operation)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param([forms.part(b"image", b"s3ntinel")], id="a photo as text"),
        pytest.param([forms.part(b"image_url", b"http://s3ntinel/")], id="a photo by its address"),
        pytest.param([forms.part(b"image", b"1", b"a.jpg"), forms.part(b"image", b"2", b"b.jpg")], id="two photos"),
        pytest.param([forms.part(b"image", b"1", b"a.jpg"), forms.part(b"other", b"2", b"b.jpg")], id="another file"),
        pytest.param([forms.part(b"owner_id", b"s3ntinel")], id="an owner"),
        pytest.param([forms.part(b"status", b"validated")], id="a status"),
        pytest.param([forms.part(b"prdtypecode", b"40")], id="a code"),
        pytest.param([forms.part(b"_charset_", b"utf-16")], id="a character set"),
    ],
)
@pytest.mark.parametrize("operation", WITH_UPLOADS, ids=str)
def test_a_form_with_more_than_it_may_have_is_refused(target: Target, operation: Operation, extra: list[bytes]) -> None:
    fields = [forms.part(name.encode(), value.encode()) for name, value in body_of(operation).items()]
    with nothing_done(target.etalon):
        require_refused(_send(target, operation, forms.multipart([*fields, *extra])), operation)


@pytest.mark.parametrize(
    "designation",
    [
        " \t\r\n",
        "\u00a0\u3000\u2003",
        "\u200b\u200d\u2060\ufeff\u00ad",
        "\u3164\u115f\u2800",
        "\u202e\u2066",
        "\x1b\x07",
    ],
    ids=["blanks", "wide blanks", "zero width", "letters that show nothing", "directions", "controls"],
)
def test_a_title_that_shows_nothing_is_refused(target: Target, designation: str) -> None:
    (operation,) = WITH_UPLOADS
    with nothing_done(target.etalon):
        require_refused(
            _send(target, operation, forms.of_fields(operation, [("designation", designation.encode())])), operation
        )


def _send(target: Target, operation: Operation, form: forms.Form) -> httpx.Response:
    kind, body = form
    headers = {**target.admin.headers, "Content-Type": kind}
    return target.etalon.http.request(operation.method, target.path(operation), content=body, headers=headers)
