"""Which error means which status."""

import pytest

from api import errors
from core.domain.taxonomy import UnknownCode
from core.errors import Conflict, EtalonError, Invalid, NotFound, Unavailable
from preprocessing.images import CorruptImage, ImageTooLarge, MissingImage, UndecodableImage


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid(), 422),
        (NotFound(), 404),
        (Conflict(), 409),
        (Unavailable(), 503),
        (EtalonError(), 500),
        (UnknownCode(7, "v"), 422),
        (ImageTooLarge(), 413),
        (UndecodableImage(), 422),
        (MissingImage(), 404),
        (CorruptImage(), 503),
        (errors.Unauthenticated(), 401),
        (errors.Forbidden(), 403),
        (errors.TooManyAttempts("wait", 5), 429),
        (errors.StaleVersion(), 412),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_nearest_family_decides(error: EtalonError, status: int) -> None:
    assert errors.status_of(error) == status


def test_busy_and_unauthenticated_answers_carry_what_they_owe() -> None:
    assert errors.problem_response("1", 503, "busy").headers["retry-after"] == str(errors.RETRY_AFTER_S)
    assert errors.problem_response("1", 401, "who?").headers["www-authenticate"] == "Bearer"
    assert "retry-after" not in errors.problem_response("1", 409, "no").headers


def test_an_unknown_field_s_name_is_not_repeated() -> None:
    found = errors._field_error({"type": "extra_forbidden", "loc": ("body", "s3ntinel"), "msg": "Extra inputs"})
    assert found.loc == ["body", "(unknown field)"]
