"""The error tree every room raises from.

EtalonError
├── Invalid      the caller sent something the rules refuse; sending it again changes nothing
├── NotFound     what was named does not exist, or not for this caller
├── Conflict     it existed, but not in the state the caller assumed
└── Unavailable  nothing is wrong with the request; try again later

A concrete error lives beside the code that raises it, has a stable ``code`` such as
``review.already_ingested`` and keeps its values as attributes. HTTP statuses are decided in
``api/errors.py`` and retries in ``dags/``; nowhere else.
"""

from typing import ClassVar


class EtalonError(Exception):
    """Base of every error that a caller may act on.

    Attributes:
        code: stable dotted identifier, part of the public contract.
    """

    code: ClassVar[str] = "etalon.error"


class Invalid(EtalonError):
    """The request breaks a rule and will break it again."""

    code = "request.invalid"


class NotFound(EtalonError):
    """The named thing does not exist, or not for this caller."""

    code = "request.not_found"


class Conflict(EtalonError):
    """The named thing is not in the state the caller assumed."""

    code = "request.conflict"


class Unavailable(EtalonError):
    """A part this needs is not ready; the same request may succeed later."""

    code = "service.unavailable"
