"""How an odd text goes through each text field that is no product's and no verdict's, and where it is kept.

Each field is named ``METHOD /path field``. A function sends one text and checks the answer: accepted and kept to a
letter, or refused for a reason that the field states.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from itertools import count
from typing import Any

import httpx
from sqlalchemy import select, update

from core.db.models import ApiKey, Prediction, Promotion, RetrainRequest, UserAccount
from preprocessing.images import sanitise
from tests.api.people import PASSWORD, Caller, bearer
from tests.api.service import Etalon
from tests.integration.api.packaged import write_tiny_model
from tests.integration.api.toys import problem

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_STRONG = "-violet-Anchor-83!"  # what makes a password of any text


class Desk:
    """A service, and the people and things that texts are tried on.

    Args:
        etalon: the service.
    """

    def __init__(self, etalon: Etalon) -> None:
        self.etalon = etalon
        self.http = etalon.http
        self.numbers = count(1)
        self.password = PASSWORD  # of ``changing``

    @cached_property
    def customer(self) -> Caller:
        """Who sends products and owns keys."""
        return self.etalon.hire("customer")

    @cached_property
    def admin(self) -> Caller:
        """Who may do all the rest."""
        return self.etalon.hire("admin")

    @cached_property
    def renamed(self) -> Caller:
        """Whose name is changed again and again."""
        return self.etalon.hire("customer")

    @cached_property
    def changing(self) -> Caller:
        """Who changes their password again and again."""
        return self.etalon.hire("customer")

    @cached_property
    def packages(self) -> tuple[str, str]:
        """Two models that take turns."""
        clean = sanitise(self.etalon.photo, max_bytes=10**6, max_pixels=10**6)
        return self.etalon.model, write_tiny_model(self.etalon.store.packages, clean.data, temperature=0.3)

    @cached_property
    def product(self) -> str:
        """What its sender has a lot to say about."""
        return self.etalon.predict(self.customer)

    def ask(self, caller: Caller | None, method: str, path: str, **body: Any) -> httpx.Response:
        """Send JSON."""
        return self.http.request(method, path, json=body, headers=caller.headers if caller else {})

    def kept(self, asked: Any) -> Any:
        """One value of the database."""
        with self.etalon.readers() as session:
            return session.scalar(asked)


def _require(answer: httpx.Response, *, accepted: bool, status: int = 200) -> None:
    wanted = status if accepted else 422
    assert answer.status_code == wanted, f"{answer.status_code} {answer.text[:300]}"
    if not accepted:
        problem(answer)


def _is_storable(text: str, longest: int, shortest: int = 0) -> bool:
    return "\x00" not in text and shortest <= len(text) <= longest


def _says_something(text: str) -> bool:
    return _is_storable(text, 500, 1) and bool(text.strip())


# --- names ----------------------------------------------------------------------------------------------------------


def _name(answer: httpx.Response, text: str, kept: Callable[[], str | None]) -> None:
    """A name is taken in small letters, unless somebody has it."""
    if not _USERNAME.fullmatch(text):
        _require(answer, accepted=False)
    elif answer.status_code != 409:
        assert answer.is_success, answer.text
        assert answer.json()["username"] == text.lower() == kept()


def _named(desk: Desk, text: str) -> Callable[[], str | None]:
    return lambda: desk.kept(select(UserAccount.username).where(UserAccount.username == text.lower()))


def register(desk: Desk, text: str) -> None:
    _name(desk.ask(None, "POST", "/users", username=text, password="x" + _STRONG), text, _named(desk, text))


def hire(desk: Desk, text: str) -> None:
    body = {"username": f"{text}.a" if _USERNAME.fullmatch(f"{text}.a") else text, "role": "customer"}
    answer = desk.ask(desk.admin, "POST", "/admin/users", password="x" + _STRONG, **body)
    _name(answer, body["username"], _named(desk, body["username"]))


def rename(desk: Desk, text: str) -> None:
    _name(desk.ask(desk.renamed, "PATCH", "/users/me", username=text), text, _named(desk, text))


def rename_another(desk: Desk, text: str) -> None:
    answer = desk.ask(desk.admin, "PATCH", f"/admin/users/{desk.renamed.id}", username=text)
    _name(answer, text, _named(desk, text))


def name_key(desk: Desk, text: str) -> None:
    answer = desk.ask(desk.customer, "POST", "/users/me/keys", name=text)
    _require(answer, accepted=_is_storable(text, 64, 1), status=201)
    if answer.is_success:
        made = answer.json()
        assert made["name"] == text == desk.kept(select(ApiKey.name).where(ApiKey.id == made["id"]))
        desk.http.delete(f"/users/me/keys/{made['id']}", headers=desk.customer.headers)


def take_back_labels_of(desk: Desk, text: str) -> None:
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    answer = desk.ask(desk.admin, "POST", "/admin/retractions", reviewer=text, **span)
    is_somebody = desk.kept(select(UserAccount.username).where(UserAccount.username == text)) == text
    assert answer.status_code in ((200,) if is_somebody else (404, 422)), answer.text


def ask_a_model(desk: Desk, text: str) -> None:
    files = {"designation": (None, b"a lamp"), "model": (None, text.encode())}
    answer = desk.http.post("/predict", files=files, headers=desk.customer.headers)
    assert answer.status_code == 422 or text == "", answer.text


# --- passwords ------------------------------------------------------------------------------------------------------


def _is_password(text: str) -> bool:
    return _is_storable(text, 1024 - len(_STRONG))


def register_with(desk: Desk, text: str) -> None:
    name, password = f"odd{next(desk.numbers)}", text + _STRONG
    answer = desk.ask(None, "POST", "/users", username=name, password=password)
    _require(answer, accepted=_is_password(text), status=201)


def hire_with(desk: Desk, text: str) -> None:
    body = {"username": f"odd{next(desk.numbers)}", "password": text + _STRONG, "role": "customer"}
    _require(desk.ask(desk.admin, "POST", "/admin/users", **body), accepted=_is_password(text), status=201)


def give_another(desk: Desk, text: str) -> None:
    path = f"/admin/users/{desk.renamed.id}"
    _require(desk.ask(desk.admin, "PATCH", path, password=text + _STRONG), accepted=_is_password(text))


def sign_in(desk: Desk, text: str) -> None:
    """As nobody, with no password that anybody has; escaped, the longest texts are more than a body may hold."""
    answer = desk.http.post("/token", data={"username": text, "password": text})
    assert answer.status_code in ((401,) if _is_storable(text, 256, 1) else (413, 422)), answer.text


def sign_in_with_a_browser(desk: Desk, text: str) -> None:
    """As nobody, too."""
    answer = desk.ask(None, "POST", "/session", username=text, password=text)
    assert answer.status_code == (401 if _is_storable(text, 256, 1) else 422), answer.text


def come_back(desk: Desk, text: str) -> None:
    answer = desk.ask(None, "POST", "/users/reactivate", username=text, password=text)
    assert answer.status_code == (401 if _is_storable(text, 256, 1) else 422), answer.text


def change_password(desk: Desk, text: str) -> None:
    """Every new one is proven by being the old one of the next change."""
    body = {"old_password": desk.password, "new_password": text + _STRONG}
    answer = desk.ask(desk.changing, "POST", "/users/me/password", **body)
    _require(answer, accepted=_is_password(text))
    if answer.is_success:
        desk.password = text + _STRONG
        desk.changing = replace(desk.changing, headers=bearer(answer.json()["access_token"]))


# --- reasons --------------------------------------------------------------------------------------------------------


def dispute(desk: Desk, text: str) -> None:
    path = f"/predictions/{desk.product}/feedback"
    answer = desk.ask(desk.customer, "POST", path, kind="disputed", reason=text)
    _require(answer, accepted=_is_storable(text, 500))
    if answer.is_success:
        kept = desk.kept(select(Prediction.feedback_reason).where(Prediction.id == desk.product))
        assert answer.json()["feedback"]["reason"] == text == kept


def wish_for_training(desk: Desk, text: str) -> None:
    with desk.etalon.sessions.begin() as session:  # a run takes what waits
        session.execute(update(RetrainRequest).values(waiting=None))
    answer = desk.ask(desk.admin, "POST", "/retrain", reason=text)
    _require(answer, accepted=_says_something(text), status=202)
    if answer.is_success:
        kept = desk.kept(select(RetrainRequest.reason).where(RetrainRequest.waiting == 1))
        assert answer.json()["reason"] == text == kept


def roll_back(desk: Desk, text: str) -> None:
    if not desk.kept(select(Promotion.previous).order_by(Promotion.epoch.desc()).limit(1)):
        promote(desk, "something to go back to")
    _move(desk, "/models/rollback", text)


def promote(desk: Desk, text: str) -> None:
    serving = desk.kept(select(Promotion.models).order_by(Promotion.epoch.desc()).limit(1))["fusion"]
    other = next(one for one in desk.packages if one != serving)
    _move(desk, f"/models/{other}/promote", text, override=True)


def _move(desk: Desk, path: str, text: str, **more: Any) -> None:
    epoch = desk.kept(select(Promotion.epoch).order_by(Promotion.epoch.desc()).limit(1))
    answer = desk.ask(desk.admin, "POST", path, reason=text, expected_epoch=epoch, **more)
    _require(answer, accepted=_says_something(text))
    if answer.is_success:
        kept = desk.kept(select(Promotion.reason).where(Promotion.epoch == epoch + 1))
        assert answer.json()["reason"] == text == kept


FIELDS: dict[str, Callable[[Desk, str], None]] = {
    "POST /users username": register,
    "POST /users password": register_with,
    "POST /admin/users username": hire,
    "POST /admin/users password": hire_with,
    "PATCH /users/me username": rename,
    "PATCH /admin/users/{user_id} username": rename_another,
    "PATCH /admin/users/{user_id} password": give_another,
    "POST /users/me/keys name": name_key,
    "POST /users/me/password old_password": change_password,
    "POST /users/me/password new_password": change_password,
    "POST /token username": sign_in,
    "POST /token password": sign_in,
    "POST /session username": sign_in_with_a_browser,
    "POST /session password": sign_in_with_a_browser,
    "POST /users/reactivate username": come_back,
    "POST /users/reactivate password": come_back,
    "POST /admin/retractions reviewer": take_back_labels_of,
    "POST /predict model": ask_a_model,
    "POST /predictions/{prediction_id}/feedback reason": dispute,
    "POST /retrain reason": wish_for_training,
    "POST /models/rollback reason": roll_back,
    "POST /models/{version}/promote reason": promote,
}
STORED = frozenset({name_key, dispute, wish_for_training, rename})
"""Whose texts a database keeps as they are, apart from products' and verdicts'."""
