"""Slowing down whoever guesses passwords. The database counts: for all processes together, whatever restarts.

Failures are counted at three doors: this account from this address, this account from anywhere, this address for any
account. Whoever has signed in from an address in the last 30 days passes there by the first door alone: strangers
elsewhere, however many, do not lock somebody out of where they usually are.
"""

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from api.accounts.sweeper import Sweeper
from api.errors import TooManyAttempts
from core.db.repositories import sign_in_doors
from core.db.repositories.sign_in_doors import Door
from core.db.session import transact
from core.settings import AuthSettings

PAIR_FAILURES = 10  # of one account from one address
PAIR_WINDOW_S = 5 * 60.0
ACCOUNT_FAILURES = 100  # of one account from anywhere; an address alone cannot make as many
WIDE_WINDOW_S = 15 * 60.0
KNOWN_S = 30 * 24 * 3600.0
REGISTRATION_WINDOW_S = 3600.0
_NO_DOOR = Door(0, 0.0)


@dataclass(frozen=True, slots=True)
class Way:
    """From where somebody comes, as whom: the doors on that way, as they are named in the database."""

    pair: str
    account: str
    address: str
    known: str

    @classmethod
    def of(cls, username: str, address: str) -> "Way":
        """The way of ``username`` (lower case, of an account or not) from ``address``."""
        network = network_of(address)
        return cls(
            _door("pair", username, network),
            _door("account", username),
            _door("address", network),
            _door("known", username, network),
        )


@dataclass(frozen=True, slots=True)
class Passed:
    """What was seen on a way that is open: failures of this account from here, and seconds left of being known here."""

    failures: int
    known_s: float


class Throttle:
    """Counts attempts and tells those who made too many how long to wait."""

    def __init__(
        self, sessions: sessionmaker[Session], settings: AuthSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions = sessions
        self._per_address = settings.failures_per_address
        self._registrations = settings.registrations_per_address
        self._sweeper = Sweeper(sessions, sign_in_doors.sweep, "doors", clock)

    def pass_through(self, session: Session, way: Way) -> Passed:
        """Let an attempt through.

        Raises:
            TooManyAttempts: a door on its way is closed; says for how long.
        """
        seen = sign_in_doors.open_windows(session, (way.pair, way.account, way.address, way.known))
        known_s = seen.get(way.known, _NO_DOOR).left_s
        bounds = {way.pair: PAIR_FAILURES}
        if known_s <= 0:
            bounds |= {way.account: ACCOUNT_FAILURES, way.address: self._per_address}
        closed = [seen[door].left_s for door, bound in bounds.items() if door in seen and seen[door].attempts >= bound]
        if closed:
            raise TooManyAttempts("Too many failed sign-ins; wait before the next.", math.ceil(max(closed)))
        return Passed(seen.get(way.pair, _NO_DOOR).attempts, known_s)

    def count_failure(self, way: Way) -> None:
        """Remember a failure at each door of its way."""
        windows_s = {way.pair: PAIR_WINDOW_S, way.account: WIDE_WINDOW_S, way.address: WIDE_WINDOW_S}
        transact(self._sessions, lambda session: sign_in_doors.count(session, windows_s))
        self._sweeper.now_and_then()

    def count_success(self, way: Way, passed: Passed) -> None:
        """Forget the failures of this account from this address, and remember that its owner comes from there.

        Nothing is written for somebody who is known and made no mistake.
        """
        renew = passed.known_s < KNOWN_S / 2
        if not renew and not passed.failures:
            return

        def remember(session: Session) -> None:
            sign_in_doors.forget(session, way.pair)
            if renew:
                sign_in_doors.keep_until(session, way.known, lifetime_s=KNOWN_S)

        transact(self._sessions, remember)

    def count_registration(self, address: str) -> None:
        """Count somebody who asks for a name: the answer tells whether it is taken, so nobody may ask for many.

        Raises:
            TooManyAttempts: too many from this address.
        """
        door = _door("registration", network_of(address))

        def work(session: Session) -> Door:
            sign_in_doors.count(session, {door: REGISTRATION_WINDOW_S})
            return sign_in_doors.open_windows(session, (door,)).get(door, _NO_DOOR)

        counted = transact(self._sessions, work)
        self._sweeper.now_and_then()
        if counted.attempts > self._registrations:
            raise TooManyAttempts("Too many registrations; wait before the next.", math.ceil(counted.left_s))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the 64 leading bits of an IPv6 one, which one customer has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _door(kind: str, *names: str) -> str:
    return hashlib.sha256("\0".join((kind, *names)).encode()).hexdigest()
