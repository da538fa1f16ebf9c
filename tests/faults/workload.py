"""Reviewers at work on a real database and a real store, and their own journal of what was acknowledged to them."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from api.accounts.service import Account
from api.predictions.service import erase
from api.review.service import ReviewService
from core.db.models import Base, UserAccount
from core.db.repositories import predictions
from core.db.repositories.predictions import NewPrediction
from core.domain.language import Language
from core.domain.roles import Role
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict
from preprocessing.images import ImageFolder, SanitisedImage, sanitise
from tests.integration.ingest.shop import Shop, photo, write_catalogue

BASE_PRODUCTS = 6
CODES = (10, 40, 2583)
PHOTOS = 48
"""Distinct photos: enough that a tensor beside the wrong row is noticed, few enough to be decoded once."""
VERY_CONFIDENT = 0.5
"""As sure as the model is of everything here: every label that is not its own is marked for a second opinion."""

ADMIN = Account("01900000-0000-7000-8000-00000000000a", "admin", Role.ADMIN)
SELLER = Account("01900000-0000-7000-8000-00000000000b", "seller", Role.CUSTOMER)
REVIEWERS = tuple(
    Account(f"01900000-0000-7000-8000-00000000010{number}", f"reviewer-{number}", Role.REVIEWER) for number in range(3)
)


@cache
def upload(number: int) -> SanitisedImage:
    """One of the photos that sellers send."""
    return sanitise(photo(500 + number), max_bytes=10**6, max_pixels=10**6)


def build_empty(folder: Path) -> Path:
    """A database with its tables and accounts, a catalogue to import, and no training store."""
    folder.mkdir(parents=True)
    shop = Shop.open(folder)
    Base.metadata.create_all(shop.engine)
    with shop.sessions.begin() as session:
        for who in (ADMIN, SELLER, *REVIEWERS):
            session.add(UserAccount(id=who.id, username=who.username, password_hash="x", role=who.role.value))
    write_catalogue(folder / "catalogue", BASE_PRODUCTS, CODES)
    shop.engine.dispose()
    return folder


def build(folder: Path) -> Path:
    """The same with the catalogue imported."""
    shop = Shop.open(build_empty(folder))
    shop.import_catalogue(folder / "catalogue")
    shop.engine.dispose()
    return folder


def open_copy(template: Path, folder: Path) -> Shop:
    """A shop of its own, copied from a template."""
    shutil.copytree(template, folder)
    return Shop.open(folder)


@dataclass(slots=True)
class Item:
    """What the journal knows of one prediction.

    Attributes:
        state: pending, validated, rejected, retracted or erased: what the last acknowledged answer said. A
            validated one may have been ingested since.
        code: the last accepted code, where it is validated.
        accepted: every code that was ever accepted.
        by: name of the person whose acceptance stands.
        photo: number of its photo, None without one.
    """

    designation: str
    photo: int | None
    state: str = "pending"
    code: int | None = None
    accepted: set[int] = field(default_factory=set)
    by: str | None = None

    def stand(self, state: str, code: int | None = None, by: str | None = None) -> None:
        """Write down an acknowledged answer."""
        self.state, self.code, self.by = state, code, by
        if code is not None:
            self.accepted.add(code)


@dataclass(slots=True)
class Journal:
    """Every prediction by id, with what was acknowledged last; ``actions`` counts the acknowledgements by name."""

    items: dict[str, Item] = field(default_factory=dict)
    actions: Counter[str] = field(default_factory=Counter)

    def expected(self) -> dict[str, Item]:
        """The predictions that belong in the training view."""
        return self._in("validated")

    def ever_accepted(self) -> int:
        """How many predictions were given a label, whatever became of it."""
        return sum(bool(item.accepted) for item in self.items.values())

    def rejected(self) -> dict[str, Item]:
        """The predictions that belong in the archive."""
        return self._in("rejected")

    def erased(self) -> dict[str, Item]:
        """The predictions whose text and photo must be gone."""
        return self._in("erased")

    def draw(self, rng: random.Random, *states: str) -> str | None:
        """One of the latest predictions in these states."""
        found = list(self._in(*states))[-12:]
        return rng.choice(found) if found else None

    def _in(self, *states: str) -> dict[str, Item]:
        return {one: item for one, item in self.items.items() if item.state in states}


class Reviewers:
    """People who work through the product's own services, one transaction an action, as the API does."""

    def __init__(self, shop: Shop, rng: random.Random, *, labels_only: bool = False) -> None:
        """``labels_only``: they accept products and do nothing else."""
        self.shop = shop
        self.rng = rng
        self.labels_only = labels_only
        self.answered_by = "f" * 64
        self.journal = Journal()
        self._photos = ImageFolder(shop.store.images)

    def work(self, actions: int) -> None:
        """Accept one product, do some other things, and let go of the database."""
        self.validate(self.stage())
        for _ in range(actions):
            if self.labels_only:
                self.validate(self.stage())
                continue
            name = self.rng.choices(list(_ACTIONS), weights=[weight for weight, _ in _ACTIONS.values()])[0]
            _ACTIONS[name][1](self)
        self.shop.engine.dispose()

    def stage(self, *, with_photo: bool | None = None) -> str:
        """A product arrives with a suggestion; most have a photo."""
        if with_photo is None:
            with_photo = self.rng.random() < 0.8
        number = self.rng.randrange(PHOTOS) if with_photo else None
        sha = None
        if number is not None:
            self._photos.put(upload(number))
            sha = upload(number).sha256
        title = f"Produit {len(self.journal.items)}, «{self.rng.choice(('NA', 'null', 'x,y', '=1', 'é'))}»"
        with self.shop.sessions.begin() as session:
            new = _suggested(title, sha, self.rng.choice(CODES), self.answered_by)
            prediction_id = predictions.add(session, new).id
        self.journal.items[prediction_id] = Item(title, number)
        return prediction_id

    def validate(self, prediction_id: str | None) -> None:
        self._decide(prediction_id, "validated", "validate", code=self.rng.choice(CODES), reason=None)

    def modify(self, prediction_id: str) -> None:
        self._decide(prediction_id, "pending", "modify", code=self.rng.choice(CODES))

    def reject(self, prediction_id: str | None) -> None:
        self._decide(prediction_id, "rejected", "reject", reason="hors catalogue")

    def undo(self, prediction_id: str | None) -> None:
        """Refused once a batch has claimed it."""
        self._decide(prediction_id, "pending", "undo", reason=None)

    def reopen(self, prediction_id: str | None) -> None:
        """An admin's undo of a retraction."""
        self._decide(prediction_id, "pending", "undo", who=ADMIN, reason=None)

    def correct(self, prediction_id: str | None) -> None:
        """Refused while it is being ingested."""
        code = self.rng.choice(CODES)
        self._decide(prediction_id, "validated", "correct", who=ADMIN, code=code, reason=None)

    def retract(self, prediction_id: str | None) -> None:
        self._decide(prediction_id, "retracted", "retract", who=ADMIN, reason="faux")

    def erase(self, prediction_id: str | None) -> None:
        """What its owner asks for."""
        if prediction_id is None:
            return
        try:
            with self.shop.sessions.begin() as session:
                erase(session, prediction_id, ADMIN, if_version=None)
        except Conflict:
            return
        self._acknowledge("erase", prediction_id, "erased")

    def note_taken_back(self, reviewer: str) -> None:
        """Everything that this person accepted was taken back, and the command said so."""
        for item in self.journal.expected().values():
            if item.by == reviewer:
                item.stand("retracted")
                self.journal.actions["take back"] += 1

    def _decide(
        self, prediction_id: str | None, state: str, action: str, *, who: Account | None = None, **what: object
    ) -> None:
        """Ask the service; only what it commits is written into the journal, and a conflict changes nothing."""
        if prediction_id is None:
            return
        who = who or self.rng.choice(REVIEWERS)
        taxonomy = self._taxonomy()
        try:
            with self.shop.sessions.begin() as session:
                reviews = ReviewService(session, taxonomy, who, VERY_CONFIDENT)
                row = getattr(reviews, action)(prediction_id, if_version=None, **what)
        except Conflict:
            return
        if state == "validated":
            self._acknowledge(action, prediction_id, state, row.current_code, who.username)
        else:
            self._acknowledge(action, prediction_id, state)

    def _acknowledge(self, action: str, prediction_id: str, *stand: str | int) -> None:
        before = self.journal.items[prediction_id].state
        self.journal.actions["reopen" if (action, before) == ("undo", "retracted") else action] += 1
        self.journal.items[prediction_id].stand(*stand)

    def _taxonomy(self) -> Taxonomy:
        return Taxonomy.from_csv(self.shop.store.root / "taxonomy.csv")


def _suggested(title: str, image_sha256: str | None, code: int, package: str) -> NewPrediction:
    return NewPrediction(
        owner_id=SELLER.id,
        idempotency_key=None,
        request_sha256="0" * 64,
        designation=title,
        description=None,
        image_sha256=image_sha256,
        modality="text+image" if image_sha256 else "text-only",
        language=Language.UNKNOWN,
        suggested_code=code,
        confidence=VERY_CONFIDENT,
        answer={"top_k": [[code, 0.5]], "experts": {}},
        model_name="fusion",
        model_version=package,
        epoch=1,
        taxonomy_version="t",
    )


def _modify_then_validate(reviewers: Reviewers) -> None:
    prediction_id = reviewers.stage()
    reviewers.modify(prediction_id)
    reviewers.validate(prediction_id)


_ACTIONS: Mapping[str, tuple[int, Callable[[Reviewers], object]]] = {
    "validate": (6, lambda one: one.validate(one.stage())),
    "modify, then validate": (1, _modify_then_validate),
    "reject": (1, lambda one: one.reject(one.stage())),
    "leave pending": (1, lambda one: one.stage()),
    "validate what waits": (2, lambda one: one.validate(one.journal.draw(one.rng, "pending"))),
    "undo": (2, lambda one: one.undo(one.journal.draw(one.rng, "validated", "rejected"))),
    "correct": (4, lambda one: one.correct(one.journal.draw(one.rng, "validated"))),
    "retract": (2, lambda one: one.retract(one.journal.draw(one.rng, "validated"))),
    "reopen": (2, lambda one: one.reopen(one.journal.draw(one.rng, "retracted"))),
    "erase": (1, lambda one: one.erase(one.journal.draw(one.rng, "validated", "retracted", "rejected", "pending"))),
}
"""What reviewers do, and how often."""
