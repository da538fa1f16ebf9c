"""Passwords, tokens and the throttle, without a database."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.accounts.passwords import Passwords, WeakPassword, require_strong
from api.accounts.throttle import FAILURES, WINDOW_S, Throttle
from api.accounts.tokens import Tokens, WeakKey
from api.errors import TooManyAttempts, Unauthenticated
from core.domain.roles import Role
from core.settings import AuthSettings

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse battery")
    assert passwords.matches("correct horse battery", stored)
    assert not passwords.matches("wrong horse battery", stored)


def test_no_account_a_broken_hash_and_an_endless_password_match_nothing(passwords: Passwords) -> None:
    assert not passwords.matches("anything", None)
    assert not passwords.matches("anything", "not a hash")
    assert not passwords.matches("x" * 2000, passwords.hash("x" * 2000))


def test_hashes_are_argon2id_at_the_recommended_cost(passwords: Passwords) -> None:
    assert passwords.hash("correct horse battery").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("weak", ["", "elevenchars", "x" * 1025, "abababababab", "my-Carla-password"])
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(weak, "carla")


def test_a_token_reads_back_until_it_expires() -> None:
    tokens = Tokens(AuthSettings(key="k" * 32, token_minutes=15))
    claims = tokens.read(tokens.issue("somebody", 3, NOW))
    assert (claims.account_id, claims.token_version) == ("somebody", 3)
    with pytest.raises(Unauthenticated):
        tokens.read(tokens.issue("somebody", 3, NOW - timedelta(minutes=16)))


def test_two_tokens_differ_even_in_the_same_second() -> None:
    tokens = Tokens(AuthSettings(key="k" * 32))
    assert tokens.issue("somebody", 1, NOW) != tokens.issue("somebody", 1, NOW)


def test_a_token_of_another_key_is_refused() -> None:
    token = Tokens(AuthSettings(key="x" * 32)).issue("somebody", 1, NOW)
    with pytest.raises(Unauthenticated):
        Tokens(AuthSettings(key="k" * 32)).read(token)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é" * 40, jwt.encode({"sub": "x"}, "k" * 32), "ey" * 50_000])
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        Tokens(AuthSettings(key="k" * 32)).read(token)


@pytest.mark.parametrize("key", ["", "short", "k" * 31])
def test_a_short_key_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(WeakKey, match="AUTH_KEY_FILE"):
        Tokens(AuthSettings(key=key))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_throttle_closes_one_door_for_the_rest_of_the_window() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(FAILURES):
        throttle.check("1.2.3.4", "carla")
        throttle.count("1.2.3.4", "carla", succeeded=False)
    with pytest.raises(TooManyAttempts) as closed:
        throttle.check("1.2.3.4", "carla")
    assert closed.value.retry_after_s == WINDOW_S
    throttle.check("1.2.3.4", "remy")
    throttle.check("5.6.7.8", "carla")
    clock.now = WINDOW_S
    throttle.check("1.2.3.4", "carla")


def test_a_success_forgets_the_failures_before_it() -> None:
    throttle = Throttle(Clock())
    for _ in range(3):
        for _ in range(FAILURES - 1):
            throttle.count("1.2.3.4", "carla", succeeded=False)
        throttle.count("1.2.3.4", "carla", succeeded=True)
    throttle.check("1.2.3.4", "carla")


def test_failures_long_ago_do_not_add_up() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(FAILURES * 2):
        throttle.count("1.2.3.4", "carla", succeeded=False)
        clock.now += WINDOW_S / 5
    throttle.check("1.2.3.4", "carla")


def test_each_role_covers_those_before_it() -> None:
    covered = {role: [other for other in Role if role.covers(other)] for role in Role}
    assert covered == {
        Role.CUSTOMER: [Role.CUSTOMER],
        Role.REVIEWER: [Role.CUSTOMER, Role.REVIEWER],
        Role.ADMIN: list(Role),
    }
