"""Types of what requests carry, for every room's schemas and routes."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from api.text import storable

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")


def _is_spelt_out(value: Any) -> Any:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("a moment is spelt as 2026-01-31T12:00:00Z, with its zone")
    return value


def _as_kept(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("the moment is out of range") from None


Code = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A code of the taxonomy, which the import keeps in bounds."""

Reason = Annotated[str, Field(max_length=500), AfterValidator(storable)]
"""Why something is done."""

Moment = Annotated[AwareDatetime, BeforeValidator(_is_spelt_out), AfterValidator(_as_kept)]
"""RFC 3339 with a zone, at most microseconds; becomes naive UTC, as the database keeps it."""
