"""Every statement that the repositories make, found by its return type and built from examples of its arguments.

A repository keeps its statements in functions that return ``Select``, ``CompoundSelect``, ``Update``, ``Delete`` or
``Insert``. They are found here, so that nobody has to remember to list a new one.
"""

import importlib
import inspect
import itertools
import pkgutil
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Delete, Insert, Select, Table, Update
from sqlalchemy.sql import ClauseElement

from core.db import repositories
from core.db.models import Base
from core.db.repositories.labels import Span
from core.db.repositories.predictions import Filter, Order, Position
from core.domain import review
from core.domain.clusters import Placement
from core.domain.feedback import Feedback
from core.domain.language import Language
from core.domain.product import Modality
from core.domain.review import Move, OutboxKind, Status
from core.domain.splits import Split
from core.domain.watch import Watched

_MADE = (Select, CompoundSelect, Update, Delete, Insert)
_MOMENT = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database keeps it
_EVERY_FILTER = Filter(
    status=Status.PENDING,
    code=10,
    suggested_code=10,
    owner_id="person",
    not_owner_id="person",
    modality=Modality.TEXT_ONLY,
    language=Language.FRENCH,
    model_name="fusion",
    model_version="sha",
    epoch=1,
    min_confidence=0.1,
    max_confidence=0.9,
    feedback=Feedback.DISPUTED,
    unanswered=True,
    second_opinion=True,
    created_since=_MOMENT,
    created_until=_MOMENT,
    updated_since=_MOMENT,
)
_MOVES = [move for move in vars(review).values() if isinstance(move, Move)]
EXAMPLES: dict[Any, list[Any]] = {
    str: ["id"],
    int: [1],
    float: [0.5],
    bool: [False, True],
    types.NoneType: [None],
    datetime: [_MOMENT],
    Span: [Span("person", _MOMENT, _MOMENT)],
    Filter: [Filter(erased=True), _EVERY_FILTER],
    Order: list(Order),
    Position: [Position("id", 0.5, _MOMENT)],
    Move: _MOVES,
    OutboxKind: list(OutboxKind),
    Feedback: list(Feedback),
    Status: [Status.PENDING],
    Watched: [Watched.ACCURACY],
    Table: list(Base.metadata.sorted_tables),
    Placement: [Placement("cluster", Split.TRAIN)],
}
"""What an argument of this type may be. A new type of argument needs its line here."""


def statement_functions() -> dict[str, Callable[..., Any]]:
    """Every function of a repository that makes a statement, by module and name."""
    modules = [
        importlib.import_module(f"{repositories.__name__}.{found.name}")
        for found in pkgutil.iter_modules(repositories.__path__)
    ]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and _makes_statement(function)
    }


def _makes_statement(function: Callable[..., Any]) -> bool:
    returned = typing.get_type_hints(function).get("return")
    return (typing.get_origin(returned) or returned) in _MADE


def statements_of(function: Callable[..., Any]) -> Iterator[ClauseElement]:
    """What a function makes of every combination of examples."""
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    for values in itertools.product(*(_examples(hints[name]) for name in parameters)):
        chosen = dict(zip(parameters, values, strict=True))
        yield function(**chosen)


def _examples(hint: Any) -> list[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return [example for argument in arguments for example in _examples(argument)]
    if origin in (list, Collection, Iterable, Sequence):
        return [_examples(arguments[0])[:1] * 2]
    if origin in (dict, Mapping):
        return [{_examples(arguments[0])[0]: _examples(arguments[1])[0]}]
    if hint not in EXAMPLES:
        raise LookupError(f"tests/statements.py has no example of {hint}")
    return EXAMPLES[hint]
