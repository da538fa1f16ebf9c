"""Whoever guesses passwords is slowed down, by the database, and nobody else is."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session, sessionmaker

from api.accounts.throttle import ACCOUNT_FAILURES, PAIR_FAILURES, PAIR_WINDOW_S, WIDE_WINDOW_S, Throttle, Way
from api.errors import TooManyAttempts
from core.db.models import SignInDoor
from core.db.repositories import sign_in_doors
from core.db.session import make_readers, make_sessions
from core.settings import AuthSettings

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.1"
SETTINGS = AuthSettings(key="0123456789abcdefghijklmnopqrstuv-KEY", registrations_per_address=3)


class Doors:
    """The throttle as it is used, and a clock that can be moved."""

    def __init__(self, engine: Engine) -> None:
        self.sessions = make_sessions(engine)
        self.readers: sessionmaker[Session] = make_readers(engine)
        self.throttle = Throttle(self.sessions, SETTINGS)

    def is_open(self, address: str, username: str = "carla") -> bool:
        return self.left_s(address, username) == 0

    def left_s(self, address: str, username: str = "carla") -> int:
        with self.readers() as session:
            try:
                self.throttle.pass_through(session, Way.of(username, address))
            except TooManyAttempts as closed:
                return closed.retry_after_s
        return 0

    def fail(self, address: str, username: str = "carla", times: int = 1) -> None:
        for _ in range(times):
            self.throttle.count_failure(Way.of(username, address))

    def succeed(self, address: str, username: str = "carla") -> None:
        way = Way.of(username, address)
        with self.readers() as session:
            passed = self.throttle.pass_through(session, way)
        self.throttle.count_success(way, passed)

    def let_pass(self, seconds: float) -> None:
        """Move every window into the past."""
        with self.sessions.begin() as session:
            for door, until in session.execute(select(SignInDoor.door, SignInDoor.window_ends_at)).all():
                earlier = until - timedelta(seconds=seconds)
                session.execute(update(SignInDoor).where(SignInDoor.door == door).values(window_ends_at=earlier))

    def count(self) -> int:
        with self.readers() as session:
            return len(session.scalars(select(SignInDoor.door)).all())


@pytest.fixture
def doors(engine: Engine) -> Iterator[Doors]:
    return Doors(engine)


def test_ten_failures_close_one_door_until_its_window_ends(doors: Doors) -> None:
    doors.fail(ELSEWHERE, times=PAIR_FAILURES - 1)
    assert doors.is_open(ELSEWHERE)
    doors.fail(ELSEWHERE)
    assert PAIR_WINDOW_S - 30 < doors.left_s(ELSEWHERE) <= PAIR_WINDOW_S
    assert doors.is_open(HOME)
    assert doors.is_open(ELSEWHERE, "remy")
    doors.let_pass(PAIR_WINDOW_S)
    assert doors.is_open(ELSEWHERE)


def test_failures_long_ago_do_not_add_up(doors: Doors) -> None:
    for _ in range(3):
        doors.fail(ELSEWHERE, times=PAIR_FAILURES - 1)
        doors.let_pass(PAIR_WINDOW_S)
    doors.fail(ELSEWHERE, times=PAIR_FAILURES - 1)
    assert doors.is_open(ELSEWHERE)


def test_a_success_forgets_the_failures_of_its_own_door(doors: Doors) -> None:
    for _ in range(2):
        doors.fail(HOME, times=PAIR_FAILURES - 1)
        doors.succeed(HOME)
    assert doors.is_open(HOME)
    doors.fail(ELSEWHERE, times=PAIR_FAILURES)
    doors.succeed(HOME)
    assert not doors.is_open(ELSEWHERE)


def test_one_stranger_cannot_close_an_account_to_its_owner(doors: Doors) -> None:
    """Refused attempts do not count: one address makes ten in five minutes, thirty in a window of the account."""
    for _ in range(int(WIDE_WINDOW_S / PAIR_WINDOW_S)):
        while doors.is_open(ELSEWHERE):
            doors.fail(ELSEWHERE)
        with doors.sessions.begin() as session:
            sign_in_doors.forget(session, Way.of("carla", ELSEWHERE).pair)  # its five minutes are over
    assert doors.is_open(HOME)


def test_many_strangers_close_an_account_but_not_to_whoever_is_known_there(doors: Doors) -> None:
    doors.succeed(HOME)
    for number in range(ACCOUNT_FAILURES // PAIR_FAILURES):
        doors.fail(f"198.51.100.{number}", times=PAIR_FAILURES)
    assert not doors.is_open("203.0.113.1")
    assert doors.is_open(HOME)
    assert doors.is_open("203.0.113.1", "remy")
    doors.let_pass(WIDE_WINDOW_S)
    assert doors.is_open("203.0.113.1")


def test_one_address_does_not_try_many_names_but_its_known_ones_sign_in(doors: Doors) -> None:
    doors.succeed(HOME)
    for number in range(SETTINGS.failures_per_address):
        doors.fail(HOME, f"name{number}")
    assert not doors.is_open(HOME, "remy")
    assert doors.is_open(HOME, "carla")
    assert doors.is_open(ELSEWHERE, "remy")


def test_somebody_known_is_still_held_to_ten_failures(doors: Doors) -> None:
    doors.succeed(HOME)
    doors.fail(HOME, times=PAIR_FAILURES)
    assert not doors.is_open(HOME)


def test_a_success_without_a_mistake_writes_nothing_the_second_time(doors: Doors) -> None:
    doors.succeed(HOME)
    before = doors.count()
    doors.let_pass(3600)
    doors.succeed(HOME)
    assert doors.count() == before == 1
    with doors.readers() as session:
        window = sign_in_doors.open_windows(session, [Way.of("carla", HOME).known])
    assert next(iter(window.values())).left_s < 30 * 24 * 3600 - 3000


def test_doors_whose_window_ended_are_swept(doors: Doors) -> None:
    doors.fail(ELSEWHERE)
    doors.let_pass(WIDE_WINDOW_S)
    doors.fail(HOME, "remy")
    with doors.sessions.begin() as session:
        assert sign_in_doors.sweep(session) == 3
    assert doors.count() == 3


def test_the_throttle_sweeps_by_itself_once_a_minute(engine: Engine) -> None:
    now = [0.0]
    doors = Doors(engine)
    doors.throttle = Throttle(doors.sessions, SETTINGS, clock=lambda: now[0])
    doors.fail(ELSEWHERE)
    doors.let_pass(WIDE_WINDOW_S)
    doors.fail(HOME, "remy")
    assert doors.count() == 6
    now[0] = 60.0
    doors.fail(HOME, "remy")
    assert doors.count() == 3


def test_no_name_and_no_address_is_kept(doors: Doors) -> None:
    doors.fail(ELSEWHERE)
    with doors.readers() as session:
        kept = session.scalars(select(SignInDoor.door)).all()
    assert all(len(door) == 64 and set(door) <= set("0123456789abcdef") for door in kept)


def test_registrations_are_counted_by_address(doors: Doors) -> None:
    for _ in range(3):
        doors.throttle.count_registration(HOME)
    with pytest.raises(TooManyAttempts) as refused:
        doors.throttle.count_registration(HOME)
    assert 3500 < refused.value.retry_after_s <= 3600
    doors.throttle.count_registration(ELSEWHERE)


def in_parallel(work: Callable[[], None], threads: int) -> list[BaseException]:
    start, errors = threading.Barrier(threads), []

    def run() -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return errors


def test_no_failure_is_lost_when_many_count_at_once(doors: Doors) -> None:
    assert in_parallel(lambda: doors.fail(ELSEWHERE, times=5), threads=8) == []
    way = Way.of("carla", ELSEWHERE)
    with doors.readers() as session:
        seen = sign_in_doors.open_windows(session, [way.pair, way.account, way.address])
    assert {door.attempts for door in seen.values()} == {40}
    assert len(seen) == 3


def test_many_who_ask_at_once_get_no_more_names_than_one_after_the_other(doors: Doors) -> None:
    errors = in_parallel(lambda: doors.throttle.count_registration(HOME), threads=8)
    assert [type(error) for error in errors] == [TooManyAttempts] * 5
