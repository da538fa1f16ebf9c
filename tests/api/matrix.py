"""Who may do what to whose: the expected answer to every route by every caller, read off what the route declares.

Nothing here knows a route. A path's parameter is made by what it names, a body from its schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.db.repositories import evaluations
from core.store import manifests
from preprocessing.images import ImageFolder, sanitise
from tests.api.document import Operation, operations
from tests.api.people import ROLES, Caller
from tests.api.samples import as_request, body_of
from tests.api.service import Etalon
from tests.toys.evaluations import evaluation

ANYONE = "anyone"
_KEY, _BROWSER = "'s key", "'s browser"
CALLERS = (ANYONE, *ROLES, *(role + _KEY for role in ROLES), *(role + _BROWSER for role in ROLES))
"""Nobody signed in, the roles, and an API key and a browser of each."""
OWN, ANOTHERS, UNKNOWN = "own", "another's", "unknown"
NOWHERE = "01920000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Expected:
    """What an answer may be: any of ``statuses``, or none of ``never``; ``code`` is the problem's."""

    statuses: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()
    code: str | None = None

    def __str__(self) -> str:
        return f"one of {sorted(self.statuses)} {self.code or ''}" if self.statuses else f"none of {sorted(self.never)}"

    def holds(self, status: int, code: str | None) -> bool:
        """Whether an answer is as expected."""
        if self.code is not None and code != self.code:
            return False
        return status in self.statuses if self.statuses else status not in self.never


def is_key(caller: str) -> bool:
    """Whether a caller signs in with an API key."""
    return caller.endswith(_KEY)


def is_browser(caller: str) -> bool:
    """Whether a caller is a page in a browser."""
    return caller.endswith(_BROWSER)


def role_of(caller: str) -> str:
    """The role of a caller's account; a customer's for nobody."""
    return caller.removesuffix(_KEY).removesuffix(_BROWSER) if caller != ANYONE else "customer"


def only(status: int, code: str | None = None) -> Expected:
    """Exactly this."""
    return Expected(frozenset({status}), code=code)


def expected(operation: Operation, caller: str, whose: str | None) -> Expected:
    """The answer that the declaration promises.

    Args:
        caller: one of ``CALLERS``.
        whose: what the path names is the caller's, another's or nobody's; None where it names nothing.
    """
    if operation.role == ANYONE:
        return only(404) if whose == UNKNOWN else Expected(never=frozenset({403, 404}))
    if caller == ANYONE:
        return only(401, "account.unauthenticated")
    role = role_of(caller)
    if ROLES.index(role) < ROLES.index(operation.role):
        return only(403, "account.role_too_low")
    if is_key(caller) and not operation.keys:
        return only(403, "account.key_not_allowed")
    return _of_a_thing(operation, role, whose)


def _of_a_thing(operation: Operation, role: str, whose: str | None) -> Expected:
    """The answer to a caller whose role is high enough."""
    if whose == UNKNOWN:
        return only(404)
    if whose is None:
        return Expected(never=frozenset({401, 403}))
    if whose == OWN and operation.owner == "never":
        return only(403, "review.own_product")
    is_everybodys = parameter_of(operation) in COMMON
    is_private = operation.role == "customer" and role == "customer" and not is_everybodys
    if whose == ANOTHERS and (operation.owner == "only" or is_private):
        return only(404)
    return Expected(never=frozenset({401, 403, 404}))


# --- requests -------------------------------------------------------------------------------------------------------


def parameter_of(operation: Operation) -> str | None:
    """The one parameter of a path that names a thing."""
    names = list(operation.parameters("path"))
    assert len(names) <= 1, f"{operation} names two things"
    return names[0] if names else None


def is_declared(parameter: str) -> bool:
    """Whether some path names a thing by this parameter."""
    return any(parameter in operation.parameters("path") for operation in operations())


def cases(operation: Operation) -> list[tuple[str, str | None]]:
    """Every caller, by whose thing the path names."""
    whose = (OWN, ANOTHERS, UNKNOWN) if parameter_of(operation) in THINGS else (None,)
    if parameter_of(operation) in COMMON:
        whose = (ANOTHERS, UNKNOWN)
    return [(caller, one) for caller in CALLERS for one in whose]


@dataclass(frozen=True)
class Scene:
    """People who were hired for one case.

    Attributes:
        me: whose account the caller uses; somebody's whom nobody signs in as, where nobody is to be signed in.
        other: somebody else, a customer.
        headers: what signs the caller in.
    """

    etalon: Etalon
    me: Caller
    other: Caller
    headers: dict[str, str]


def send(operation: Operation, scene: Scene, whose: str | None) -> Any:
    """Make what the path names, and send the request."""
    path = operation.path
    if (parameter := parameter_of(operation)) is not None:
        path = path.replace(f"{{{parameter}}}", _named(parameter, scene, whose))
    request: dict[str, Any] = {}
    if operation.content_type is not None:
        known = {"reviewer": scene.me.username}
        if "{" not in operation.path and operation.role != ANYONE:
            known["id"] = THINGS["prediction_id"](scene, scene.other)
        request = as_request(operation, body_of(operation, known))
    return scene.etalon.http.request(operation.method, path, headers=scene.headers, **request)


def _named(parameter: str, scene: Scene, whose: str | None) -> str:
    if parameter in COMMON:
        return COMMON[parameter][0](scene) if whose == ANOTHERS else COMMON[parameter][1]
    if whose == UNKNOWN:
        return NOWHERE
    return THINGS[parameter](scene, scene.me if whose == OWN else scene.other)


def _prediction(scene: Scene, owner: Caller) -> str:
    return scene.etalon.predict(owner)


def _account(scene: Scene, owner: Caller) -> str:
    return owner.id


def _key(scene: Scene, owner: Caller) -> str:
    return make_key(scene.etalon, owner)[0]


def make_key(etalon: Etalon, owner: Caller) -> tuple[str, dict[str, str]]:
    """Open an API key; its id, and the headers that it signs in with."""
    answer = etalon.http.post("/users/me/keys", json={"name": "shop"}, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["id"], {"Authorization": f"Bearer {made['key']}"}


def make_report(etalon: Etalon) -> str:
    """Write a report as the job does; its name."""
    name = "monthly-2026-10"
    etalon.store.reports.mkdir(exist_ok=True)
    (etalon.store.reports / f"{name}.html").write_text("<!doctype html><title>October</title>", encoding="utf-8")
    return name


def make_judged(etalon: Etalon) -> str:
    """Keep figures of the model that is served; its version."""
    with etalon.sessions.begin() as session:
        evaluations.record(session, package=etalon.model, evaluation=evaluation(etalon.model, None))
    return etalon.model


def make_spare_photo(etalon: Etalon) -> str:
    """Put a photo into the reserve; its name."""
    photo = sanitise(etalon.photo, max_bytes=10**6, max_pixels=10**6)
    ImageFolder(etalon.store.reserve / "images").put(photo)
    return photo.sha256


def make_training_row(etalon: Etalon) -> str:
    """Have a product with a photo accepted and brought into the training store; where its row stands."""
    prediction_id = etalon.predict(etalon.hire("customer"))
    answer = etalon.decide(etalon.hire("reviewer"), prediction_id, accept=True)
    assert answer.status_code == 200, answer.text
    etalon.append(prediction_id)
    newest = manifests.newest(etalon.store.training)
    assert newest is not None
    return f"{newest.segments[-1].name}.0"


THINGS: dict[str, Callable[[Scene, Caller], str]] = {
    "prediction_id": _prediction,
    "user_id": _account,
    "key_id": _key,
}
"""How a thing that is somebody's is made, by the path parameter that names it."""
COMMON: dict[str, tuple[Callable[[Scene], str], str]] = {
    "version": (lambda scene: make_judged(scene.etalon), "0" * 64),
    "name": (lambda scene: make_report(scene.etalon), "monthly-2001-01"),
    "sha256": (lambda scene: make_spare_photo(scene.etalon), "0" * 64),
    "code": (lambda scene: "request.not_found", "no.such_problem"),
    "prdtypecode": (lambda scene: "10", "11"),
    "row": (lambda scene: make_training_row(scene.etalon), "000000-base.0"),
}
"""A thing that is everybody's, and the name of none, by path parameter."""
