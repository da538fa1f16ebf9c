"""Every kind of problem that the service answers with, read from the error classes themselves."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from api.errors import status_of_kind, title_of
from core.errors import EtalonError

# Their errors leave the process before, or without, the first model being loaded.
from inference import answer, golden  # noqa: F401

_WORTH_ANOTHER_TRY = frozenset({408, 429, 503})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    Attributes:
        code: stable dotted identifier; ``/problems/<code>`` is the problem's ``type``.
        status: the HTTP status it is answered with.
        meaning: what has happened, in sentences.
    """

    code: str
    status: int
    meaning: str

    @property
    def title(self) -> str:
        """The kind in a few words, as every problem document of it says."""
        return title_of(self.code)

    @property
    def try_again(self) -> bool:
        """Whether the same request may succeed later; until then nothing about it has to change."""
        return self.status in _WORTH_ANOTHER_TRY


def all_kinds() -> list[Kind]:
    """Every kind, by code. An error that several classes share means what either of them says."""
    classes: dict[str, list[type[EtalonError]]] = {}
    for error in _below(EtalonError):
        if "code" in vars(error) and error.__doc__:
            classes.setdefault(error.code, []).append(error)
    return [_kind(code, classes[code]) for code in sorted(classes)]


def find_kind(code: str) -> Kind | None:
    """The kind with this code, if there is one."""
    return next((kind for kind in all_kinds() if kind.code == code), None)


def as_markdown() -> str:
    """The catalogue as ``docs/problems.md`` keeps it."""
    rows = [f"| `{kind.code}` | {kind.status} | {kind.meaning} |" for kind in all_kinds()]
    return "\n".join([_INTRODUCTION, "| code | status | what it means |", "|---|---|---|", *rows, ""])


def _kind(code: str, classes: list[type[EtalonError]]) -> Kind:
    meanings = dict.fromkeys(_meaning(error) for error in sorted(classes, key=lambda error: error.__qualname__))
    return Kind(code, status_of_kind(classes[0]), " Or: ".join(meanings))


def _meaning(error: type[EtalonError]) -> str:
    """The first paragraph of the class's own description, on one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def _below(error: type[EtalonError]) -> Iterator[type[EtalonError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from _below(kind)


_INTRODUCTION = """# Problems

Every answer outside 2xx is a problem document (`application/problem+json`, RFC 9457):

```json
{"type": "/problems/review.not_pending", "title": "Not pending", "status": 409,
 "detail": "The prediction is validated, not pending.", "code": "review.not_pending", "request_id": "0198f3…"}
```

`code` is stable: programs decide by it. `detail` is for people and may change; it never repeats what was sent.
`errors`, where there are any, name the fields and the rule each of them breaks. `request_id` is the answer's
`X-Request-ID` and stands in every line that the service logged about the request. 401 carries `WWW-Authenticate`, 429
and 503 carry `Retry-After`: wait that long, then send the same request again. After 408 it may be sent again at once.

The running service says the same at `GET /problems`, and of one kind at its `type`. `python -m api.problems` writes
this page from the error classes; a test keeps both alike.
"""
