"""Histories of people who decide about the same products at the same time, on MariaDB and on SQLite.

They work through the service's own decisions, one transaction each, while the loop claims and marks batches. Each
history is written down and checked (``histories``): one winner a version at most, and the database tells exactly
the winners' story. Parts: ``mariadb``, ``sqlite``, ``mutants``.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.service import Account
from api.review.bulk import decide_all
from api.review.schemas import BulkDecision, BulkItem
from api.review.service import ReviewService
from core.db.migrate import migrate
from core.db.models import UserAccount
from core.db.repositories import batches, predictions
from core.db.repositories.predictions import NewPrediction
from core.db.session import make_engine, make_sessions, transact
from core.domain.language import Language
from core.domain.roles import Role
from core.domain.taxonomy import Category, Taxonomy
from core.errors import EtalonError
from core.settings import DatabaseSettings
from preprocessing.images import ImageFolder
from preprocessing.ingest.claim import ClaimTaken, claim_batch
from tests import mariadb
from tests.faults.campaign import NotRun, Plan, Progress, Tally
from tests.faults.histories import Answer, Deed, Records, check
from tests.faults.mutants import check_then_act, sequence_cursor

_HISTORIES = {"mariadb": {"short": 60, "full": 1000}, "sqlite": {"short": 8, "full": 100}}
_RUSH_EVERY = 8
_MUTANT_HISTORIES = 60  # a flawed version that survives so many is not caught
_PEOPLE = [Account(f"01900000-0000-7000-8000-0000000000{n:02}", f"person-{n}", Role.REVIEWER) for n in range(8)]
_ADMIN = Account("01900000-0000-7000-8000-0000000000ad", "admin", Role.ADMIN)
_SELLER = Account("01900000-0000-7000-8000-0000000000ff", "seller", Role.CUSTOMER)
_HOLD_S, _LONG_HOLD_S = 0.004, 0.02  # longest time between a decision and its commit, so that decisions overlap
_CODED = ("modify", "validate", "correct")
_WEIGHTS = {"validate": 6, "modify": 3, "reject": 2, "undo": 3, "bulk": 2, "correct": 8, "retract": 3}
_ADMIN_S = ("correct", "retract")
_CODES = (10, 40, 2583)
_CONFIDENCE = 0.5  # of the model, and what counts as very sure: every other label is marked for a second opinion
_TAXONOMY = Taxonomy([Category(code, str(code), str(code), "theme") for code in _CODES])


def run(plan: Plan, say: Progress) -> Tally:
    """Every history on both databases, then the flawed versions on MariaDB, where commits really overlap."""
    if mariadb.program() is None:
        raise NotRun(mariadb.ADVICE)
    tally, server = Tally(), mariadb.Server()
    parts: dict[str, Callable[[], Tally]] = {
        "mariadb": partial(_on_mariadb, plan, say, server),
        "sqlite": partial(_on_sqlite, plan, say),
        "mutants": partial(_mutants, plan, say, server),
    }
    try:
        for name in [plan.only] if plan.only else parts:
            tally += parts[name]()
    finally:
        server.stop()
    return tally


def _on_mariadb(plan: Plan, say: Progress, server: mariadb.Server) -> Tally:
    with _open(server.fresh().engine(), "mariadb", plan.folder, _HOLD_S) as place:
        return _histories(plan, say, place)


def _on_sqlite(plan: Plan, say: Progress) -> Tally:
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{plan.folder}/reviewers.db"))
    migrate(engine)
    with _open(engine, "sqlite", plan.folder, _HOLD_S) as place:
        return _histories(plan, say, place)


def _histories(plan: Plan, say: Progress, place: "Place") -> Tally:
    tally, began = Tally(), time.monotonic()
    wanted = _HISTORIES[place.database][plan.scale]
    for number in range(wanted):
        live = live_rush if number % _RUSH_EVERY == _RUSH_EVERY - 1 else live_history
        tally += live(place, plan.random(place.database, number), f"{place.database} history {number}")
        if tally.failed:
            break
        if number % 100 == 99:
            say(f"{number + 1} of {wanted} histories on {place.database}")
    tally.notes.append(
        f"reviewers: {tally.histories} histories on {place.database} in {time.monotonic() - began:.0f} s, "
        f"{sum(tally.actions.values())} decisions won"
    )
    say(tally.notes[-1])
    return tally


def _mutants(plan: Plan, say: Progress, server: mariadb.Server) -> Tally:
    tally = Tally()
    for name, applied, live in (
        ("check_then_act", check_then_act.applied, live_history),
        ("sequence_cursor", sequence_cursor.applied, live_rush),
    ):
        with _open(server.fresh().engine(), "mariadb", plan.folder, _LONG_HOLD_S) as place, applied():
            tally.mutants[name] = _first_catch(plan, place, name, live)
        say(f"{name}: {tally.mutants[name] or 'SURVIVED'}")
    return tally


def _first_catch(plan: Plan, place: "Place", name: str, live: "Callable[..., Tally]") -> str | None:
    for number in range(_MUTANT_HISTORIES):
        found = live(place, plan.random(name, number), f"history {number}")
        if found.failed:
            return f"double wins {found.double_wins}, stuck {found.stuck} in {found.violations[0][:120]}"
    return None


@dataclass(frozen=True, slots=True)
class Place:
    """A database with people, and threads for them; they take up to ``hold_s`` between deciding and committing."""

    database: str
    sessions: sessionmaker[Session]
    photos: ImageFolder
    threads: ThreadPoolExecutor
    hold_s: float


@contextmanager
def _open(engine: Engine, name: str, folder: Path, hold_s: float) -> Iterator[Place]:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        for who in (*_PEOPLE, _ADMIN, _SELLER):
            session.add(UserAccount(id=who.id, username=who.username, password_hash="x", role=who.role.value))
    with ThreadPoolExecutor(len(_PEOPLE) + 2) as threads:
        yield Place(name, sessions, ImageFolder(folder / "images"), threads, hold_s)
    engine.dispose()


def live_history(place: Place, rng: random.Random, where: str) -> Tally:
    """Two to eight people decide about the same one to three products, some ingested before, beside the loop."""
    products = [_stage(place.sessions, f"{where}, {rng.random()}", number) for number in range(rng.randint(1, 3))]
    present = [_ADMIN, *rng.sample(_PEOPLE, rng.randint(2, 8))]
    people = [Person(place, who, products, random.Random(rng.random())) for who in present]
    if rng.random() < 0.4:
        people[1].do(Deed(present[1].id, "bulk", tuple(products)))
        _drain(place, f"{where}, before")
    with _loop_at_work(place, where) if rng.random() < 0.7 else nullcontext():
        _all(place, [partial(person.work, rng.randint(3, 8)) for person in people])
    return _judge(place, people, products, where)


def live_rush(place: Place, rng: random.Random, where: str) -> Tally:
    """Everybody accepts products of their own while the loop claims: commits come in another order than ids."""
    products = [_stage(place.sessions, f"{where}, {rng.random()}", number) for number in range(4 * len(_PEOPLE))]
    people = [Person(place, who, products, random.Random(rng.random())) for who in _PEOPLE]
    shares = [products[number :: len(people)] for number in range(len(people))]
    with _loop_at_work(place, where):
        _all(place, [partial(person.accept, share) for person, share in zip(people, shares, strict=True)])
    return _judge(place, people, products, where)


def _all(place: Place, work: list[Callable[[], None]]) -> None:
    for future in [place.threads.submit(one) for one in work]:
        future.result()


def _judge(place: Place, people: "list[Person]", products: list[str], where: str) -> Tally:
    _drain(place, where)
    with place.sessions() as session:
        records = Records.read(session, products)
    deeds = [deed for person in people for deed in person.deeds]
    found = check(deeds, records)
    tally = Tally(histories=1, double_wins=found.double_wins, violations=[f"{where}: {one}" for one in found.wrongs])
    tally.stuck += sum(": stuck: " in one for one in found.wrongs)
    tally.actions.update(deed.action for deed in deeds if deed.answer is Answer.WON)
    return tally


def _stage(sessions: sessionmaker[Session], title: str, number: int) -> str:
    new = NewPrediction(
        owner_id=_SELLER.id,
        idempotency_key=None,
        request_sha256="0" * 64,
        designation=f"{title}, {number}",
        description=None,
        image_sha256=None,
        modality="text-only",
        language=Language.UNKNOWN,
        suggested_code=_CODES[0],
        confidence=_CONFIDENCE,
        answer={"top_k": [[_CODES[0], 0.5]], "experts": {}},
        model_name="fusion",
        model_version="f" * 64,
        epoch=1,
        taxonomy_version="t",
    )
    return transact(sessions, lambda session: predictions.add(session, new).id)


class Person:
    """Somebody who decides, and writes down what was asked and answered."""

    def __init__(self, place: Place, who: Account, products: list[str], rng: random.Random) -> None:
        self.deeds: list[Deed] = []
        self._place = place
        self._who = who
        self._products = products
        self._rng = rng
        self._seen: dict[str, int] = dict.fromkeys(products, 1)

    def work(self, times: int) -> None:
        """Decide some times."""
        for _ in range(times):
            self.do(self._choose())

    def accept(self, products: list[str]) -> None:
        """Validate each of them."""
        for one in products:
            self.do(Deed(self._who.id, "validate", (one,)))

    def do(self, deed: Deed) -> None:
        """Decide, and write down when it was asked, when it was answered, and how."""
        self.deeds.append(deed)
        deed.asked = time.monotonic_ns()
        self._ask(deed)
        deed.answered = time.monotonic_ns()
        self._seen |= deed.versions

    def _choose(self) -> Deed:
        known = {name: weight for name, weight in _WEIGHTS.items() if self._who is _ADMIN or name not in _ADMIN_S}
        action = self._rng.choices(list(known), list(known.values()))[0]
        code = self._rng.choice(_CODES) if action in ("modify", "correct") or self._rng.random() < 0.5 else None
        if action == "bulk":
            chosen = self._rng.sample(self._products, self._rng.randint(1, len(self._products)))
            return Deed(self._who.id, action, tuple(chosen), code)
        target = self._rng.choice(self._products)
        expects = self._seen[target] if self._rng.random() < 0.3 else None
        return Deed(self._who.id, action, (target,), code if action in _CODED else None, expects)

    def _ask(self, deed: Deed) -> None:
        hold_s = self._rng.uniform(0, self._place.hold_s) if self._rng.random() < 0.5 else 0.0

        def decide(session: Session) -> dict[str, int]:
            versions = self._decide(ReviewService(session, _TAXONOMY, self._who, _CONFIDENCE), deed)
            time.sleep(hold_s)
            return versions

        try:
            deed.versions = transact(self._place.sessions, decide)
            deed.answer = Answer.WON
        except EtalonError as error:
            deed.answer, deed.why = Answer.REFUSED, error.code
        except OperationalError as error:
            deed.answer, deed.why = Answer.BUSY, str(error.orig)
        except SQLAlchemyError as error:
            deed.answer, deed.why = Answer.BROKEN, str(error)[:300]

    def _decide(self, reviews: ReviewService, deed: Deed) -> dict[str, int]:
        target = deed.targets[0]
        match deed.action:
            case "bulk":
                items = [BulkItem(id=one, accept=True, prdtypecode=deed.code) for one in deed.targets]
                return {row.id: row.version for row in decide_all(reviews, BulkDecision(items=items))}
            case "modify":
                row = reviews.modify(target, code=deed.code or _CODES[0], if_version=deed.expects)
            case "validate":
                row = reviews.validate(target, code=deed.code, reason=None, if_version=deed.expects)
            case "correct":
                row = reviews.correct(target, code=deed.code or _CODES[0], reason=None, if_version=deed.expects)
            case action:
                row = getattr(reviews, action)(target, reason=None, if_version=deed.expects)
        return {row.id: row.version}


@contextmanager
def _loop_at_work(place: Place, where: str) -> Iterator[None]:
    over = threading.Event()

    def claim_and_mark() -> None:
        number = 0
        while not over.wait(0.001):
            number += 1
            _batch(place, f"{where}, {number}")

    loop = place.threads.submit(claim_and_mark)
    try:
        yield
    finally:
        over.set()
        loop.result()


def _drain(place: Place, where: str) -> None:
    number = 0
    while _batch(place, f"{where}, drain {number}"):
        number += 1


def _batch(place: Place, run_key: str) -> bool:
    """Claim and mark a batch, as if its files had been written in between; whether there was one."""
    try:
        claim = claim_batch(place.sessions, place.photos, run_key=run_key, max_rows=100)
    except (ClaimTaken, OperationalError):
        return True
    if claim is None:
        return False
    transact(place.sessions, lambda session: batches.mark(session, claim, claim.segment))
    return True
