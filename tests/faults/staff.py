"""People who work with the service over HTTP and write down what they asked and what they were told."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.faults.attempts import Attempt, Attempts, Known
from tests.faults.shopfront import Person, raw_upload
from tests.integration.api.packaged import CODES, TITLES

PHOTOS = 12
TAKEN_BACK = "tom"
"""The reviewer whose labels an admin takes back now and then."""
_TIMEOUT_S = 30.0
_RECENT = 40  # of the predictions that are known, people work on the latest


class Unserved(Exception):
    """The service is not there any more, or did not answer."""


class Clerk:
    """One person with one connection.

    Args:
        who: the person.
        url: of the service.
        attempts: the journal.
        rng: decides what is done.
        name: begins the tags of this clerk's requests; no two clerks of a campaign share one.
        network: replaces the reliable one.
        keyed: share of the decisions that carry an ``Idempotency-Key``; the others name their version instead.
        listen: hears every answer.
    """

    def __init__(
        self,
        who: Person,
        url: str,
        attempts: Attempts,
        rng: random.Random,
        name: str,
        network: httpx.BaseTransport | None = None,
        keyed: float = 1.0,
        listen: Callable[[httpx.Response], None] | None = None,
    ) -> None:
        self.who = who
        self.attempts = attempts
        self.rng = rng
        self._name = name
        self._made = 0
        self._copies = 1 if network is None else 2
        self._keyed = keyed
        signed = {"Authorization": f"Bearer {who.token}"}
        self._http = httpx.Client(base_url=url, headers=signed, timeout=_TIMEOUT_S, transport=network)
        self._http.event_hooks["response"] = [listen] if listen else []

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def work(self, habits: Mapping[str, int], most: int, *, patient: bool = False) -> None:
        """Do ``most`` things, drawn by their weights; who is not ``patient`` stops where no answer comes."""
        for _ in range(most):
            action = self.rng.choices(list(habits), weights=list(habits.values()))[0]
            attempt = _PLANS[action](self)
            if attempt is not None:
                try:
                    self.send(self.attempts.add(attempt))
                except Unserved:
                    if not patient:
                        return

    def tag(self) -> str:
        """A name for the next request."""
        self._made += 1
        return f"{self._name}.{self._made}"

    def send(self, attempt: Attempt) -> None:
        """Send it, once more if it was sent before, and write down the answer.

        Raises:
            Unserved: no answer came.
        """
        method, path, arguments = request_of(attempt)
        headers = dict(arguments.pop("headers", {}))
        if attempt.keyed:
            headers["Idempotency-Key"] = attempt.tag
        if attempt.expects is not None:
            headers["If-Match"] = f'"{attempt.expects}"'
        attempt.sent += self._copies
        try:
            answer = self._http.request(method, path, headers=headers, **arguments)
        except httpx.TransportError as error:
            raise Unserved from error
        seen = _predictions_in(answer)
        attempt.learn(answer.status_code, [(one["id"], one["version"]) for one in seen])
        for one in seen:
            self.attempts.saw(one["id"], Known(one["owner"], one["status"], one["version"], one["prdtypecode"]))
        if not seen and answer.status_code in (202, 204, 404, 409, 412):
            self._look_again(attempt)

    def _look_again(self, attempt: Attempt) -> None:
        """After a conflict or a deletion: where do its predictions stand?"""
        for prediction_id in attempt.targets[:3]:
            try:
                answer = self._http.get(f"/predictions/{prediction_id}")
            except httpx.TransportError:
                return
            if answer.status_code == 404:
                self.attempts.forget(prediction_id)
            for one in _predictions_in(answer):
                self.attempts.saw(one["id"], Known(one["owner"], one["status"], one["version"], one["prdtypecode"]))

    def pick(self, *statuses: str, owner: str | None = None) -> tuple[str, Known] | None:
        """One of the latest predictions in these states."""
        found = self.attempts.known(*statuses, owner=owner)[-_RECENT:]
        return self.rng.choice(found) if found else None

    def make(self, action: str, *targets: str, **facts: Any) -> Attempt:
        """The next attempt of this person."""
        return Attempt(self.tag(), self.who, action, targets, **facts)

    def draws_key(self) -> bool:
        """Whether the next decision is to carry a key."""
        return self.rng.random() < self._keyed


def _predictions_in(answer: httpx.Response) -> list[dict[str, Any]]:
    if not answer.is_success or not answer.content or "json" not in answer.headers.get("content-type", ""):
        return []
    body = answer.json()
    found = body if isinstance(body, list) else body.get("items", [body]) if isinstance(body, dict) else []
    return [one for one in found if isinstance(one, dict) and {"id", "version", "status"} <= one.keys()]


def request_of(attempt: Attempt) -> tuple[str, str, dict[str, Any]]:
    """Method, path and arguments of the HTTP request."""
    first = attempt.targets[0] if attempt.targets else ""
    coded = {} if attempt.code is None else {"prdtypecode": attempt.code}
    match attempt.action:
        case "predict":
            return "POST", "/predict", {"files": _form(attempt)}
        case "validate":
            body = {"accept": True, "reason": attempt.tag, **coded}
            return "POST", f"/predictions/{first}/validate", {"json": body}
        case "reject":
            return "POST", f"/predictions/{first}/validate", {"json": {"accept": False, "reason": attempt.tag}}
        case "modify":
            return "PATCH", f"/predictions/{first}", {"json": coded}
        case "undo" | "correct" | "retract" as verb:
            return "POST", f"/predictions/{first}/{verb}", {"json": {"reason": attempt.tag, **coded}}
        case "delete":
            return "DELETE", f"/predictions/{first}", {}
        case "bulk":
            items = [{"id": one, "accept": True, **coded} for one in attempt.targets]
            return "POST", "/predictions/validate", {"json": {"items": items, "reason": attempt.tag}}
        case "take_back":
            span = {"since": "2020-01-01T00:00:00Z", "until": attempt.until}
            body = {"reviewer": TAKEN_BACK, **span, "reason": attempt.tag}
            return "POST", "/admin/retractions", {"json": body}
    raise ValueError(f"expected an action of the staff. Received: {attempt.action!r}")


def designation_of(attempt: Attempt) -> str:
    """What a seller calls the product of this attempt: nobody else's is called so."""
    return f"{TITLES[len(attempt.tag) % len(TITLES)]} {attempt.tag}"


def _form(attempt: Attempt) -> dict[str, Any]:
    form: dict[str, Any] = {"designation": (None, designation_of(attempt))}
    if attempt.photo is not None:
        form["image"] = ("photo.png", raw_upload(attempt.photo), "image/png")
    return form


def _predict(clerk: Clerk) -> Attempt:
    photo = clerk.rng.randrange(PHOTOS) if clerk.rng.random() < 0.7 else None
    return clerk.make("predict", photo=photo)


def _on(action: str, *statuses: str, coded: bool = False, own: bool = False) -> Callable[[Clerk], Attempt | None]:
    """Plans ``action`` on a prediction that was last seen in one of ``statuses``; now and then on a stale version."""

    def plan(clerk: Clerk) -> Attempt | None:
        found = clerk.pick(*statuses, owner=clerk.who.id if own else None)
        if found is None:
            return None
        prediction_id, known = found
        keyed = clerk.draws_key()
        expects = known.version if not keyed or clerk.rng.random() < 0.3 else None
        code = clerk.rng.choice(CODES) if coded and (action != "validate" or clerk.rng.random() < 0.4) else None
        return clerk.make(action, prediction_id, code=code, expects=expects, keyed=keyed)

    return plan


def _bulk(clerk: Clerk) -> Attempt | None:
    pending = [one for one, _ in clerk.attempts.known("pending")[-_RECENT:]]
    if not pending:
        return None
    chosen = clerk.rng.sample(pending, min(len(pending), clerk.rng.randint(1, 5)))
    return clerk.make("bulk", *chosen, code=clerk.rng.choice(CODES))


def _take_back(clerk: Clerk) -> Attempt:
    return clerk.make("take_back", until=datetime.now(UTC).isoformat())


_PLANS: dict[str, Callable[[Clerk], Attempt | None]] = {
    "predict": _predict,
    "validate": _on("validate", "pending", coded=True),
    "modify": _on("modify", "pending", coded=True),
    "reject": _on("reject", "pending"),
    "undo": _on("undo", "validated", "rejected", "retracted"),
    "correct": _on("correct", "ingested", "validated", coded=True),
    "retract": _on("retract", "validated", "ingested"),
    "delete": _on("delete", "pending", "validated", "rejected", "ingested", "retracted", own=True),
    "bulk": _bulk,
    "take_back": _take_back,
}

SELLER = {"predict": 10, "delete": 1}
REVIEWER = {"validate": 6, "modify": 2, "reject": 1, "undo": 1, "bulk": 1}
ADMIN = {"validate": 1, "correct": 4, "retract": 1, "undo": 2, "take_back": 1}
"""What people do, by how often."""
