"""What schemathesis cannot know of this service: who calls, what is there to be named, and which refusals are right.

Loaded into its process by ``SCHEMATHESIS_HOOKS``; ``FUZZ_ROLE``, ``FUZZ_URL`` and ``DB_URL`` say who and where.
"""

import json
import os
import random
import zlib
from typing import Any

import schemathesis
from schemathesis import Case
from schemathesis.generation.meta import TestPhase

from tests.api.fuzz.props import Props

_ENDS_OR_RENAMES = frozenset({"/users/me", "/users/me/password", "/users/me/sessions", "/users/me/deactivate"})
_KNOWN_HALF = 0.5  # how often a thing that is there is named; the rest stay as generated
props = Props(os.environ["FUZZ_URL"], os.environ["DB_URL"], os.environ["FUZZ_ROLE"])


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """The role's account; what changes its caller's own account is asked by one that nobody needs afterwards."""

    def get(self, case: Case, context: Any) -> dict[str, str]:
        """The header that signs in."""
        changes_itself = case.path in _ENDS_OR_RENAMES and case.method.upper() != "GET"
        return (props.newcomer() if changes_itself else props.caller()).headers

    def set(self, case: Case, data: dict[str, str], context: Any) -> None:
        """Put it into a case that brings none of its own."""
        case.headers.update(data)


@schemathesis.hook
def before_call(context: Any, case: Case, kwargs: dict[str, Any]) -> None:
    """Name things that are there in half of the valid requests: else nearly all of them would be 404 or 422.

    What follows from an earlier answer names what that answer named.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or case.meta.phase.name == TestPhase.STATEFUL:
        return
    rng = random.Random(zlib.crc32(case.id.encode()))
    for name in case.path_parameters or {}:
        if name in props.known and rng.random() < _KNOWN_HALF:
            case.path_parameters[name] = rng.choice(props.known[name]())
    if isinstance(case.body, dict):
        _fill(case.body, rng)


def _fill(body: dict[str, Any], rng: random.Random) -> None:
    for name, value in body.items():
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _fill(item, rng)
        elif name in props.known and rng.random() < _KNOWN_HALF:
            body[name] = rng.choice(props.known[name]())


@schemathesis.hook
def filter_failure(context: Any, failure: Exception, case: Case, response: Any) -> bool:
    """Whether a failure counts.

    A schema says what is well formed, and not which codes, versions and names there are, nor what one field asks of
    another: a well-formed request may be refused by a rule of the domain, which has a code of its own, or by a
    validator's. A rule that the schema could state counts.
    """
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code not in (412, 422):
        return True
    refusal = json.loads(response.content)
    broken = {error["rule"] for error in refusal.get("errors", ())} - {"value_error"}
    return refusal["code"] == "request.invalid" and bool(broken)
