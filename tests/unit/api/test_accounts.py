"""Tokens, the keys that sign them, the rate of requests, and roles, without a database."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from api.accounts.rates import Rates, TooManyRequests
from api.accounts.secrets import WeakKey
from api.accounts.signing_keys import KeyRing, parse_keys
from api.accounts.throttle import network_of
from api.accounts.tokens import Tokens
from api.errors import Unauthenticated
from core.domain.roles import Role
from core.settings import AuthSettings

NOW = datetime.now(UTC)
OLD, NEW = "0123456789abcdefghijklmnopqrstuv-old", "0123456789abcdefghijklmnopqrstuv-new"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def settings(key: str = OLD, **more: Any) -> AuthSettings:
    return AuthSettings(key=key, **more)


def test_a_token_reads_back_until_it_expires() -> None:
    tokens = Tokens(settings(token_minutes=15))
    claims = tokens.read(tokens.issue("somebody", 3, NOW))
    assert (claims.account_id, claims.token_version) == ("somebody", 3)
    with pytest.raises(Unauthenticated):
        tokens.read(tokens.issue("somebody", 3, NOW - timedelta(minutes=16)))


def test_two_tokens_differ_even_in_the_same_second() -> None:
    tokens = Tokens(settings())
    assert tokens.issue("somebody", 1, NOW) != tokens.issue("somebody", 1, NOW)


def test_a_token_of_another_key_is_refused() -> None:
    token = Tokens(settings(NEW)).issue("somebody", 1, NOW)
    with pytest.raises(Unauthenticated):
        Tokens(settings(OLD)).read(token)


def test_a_token_that_lives_longer_than_we_give_is_not_ours() -> None:
    token = Tokens(settings(token_minutes=60)).issue("somebody", 1, NOW)
    with pytest.raises(Unauthenticated):
        Tokens(settings(token_minutes=15)).read(token)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é" * 40, jwt.encode({"sub": "x"}, OLD), "ey" * 50_000])
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        Tokens(settings()).read(token)


# --- the keys in their file -----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "auth.key"
    path.write_text(f"{OLD}\n", encoding="utf-8")
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(file: Path, clock: Clock) -> Tokens:
    """Tokens under the key in a file; the ring looks at it whenever the clock has moved."""
    followed = settings(key_file=file)
    return Tokens(followed, KeyRing(followed, clock))


def replace(file: Path, text: str, clock: Clock) -> None:
    """As an operator does: another file takes its place; a second passes."""
    draft = file.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)  # noqa: PTH105
    clock.now += 1.0


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_a_new_key_on_top_signs_and_the_old_one_still_verifies(tokens: Tokens, file: Path, clock: Clock) -> None:
    before = tokens.issue("somebody", 1, NOW)
    replace(file, f"{NEW}\n\n{OLD}\n", clock)
    after = tokens.issue("somebody", 1, NOW)
    assert kid(after) != kid(before)
    assert tokens.read(before) == tokens.read(after)


def test_a_key_that_was_removed_verifies_nothing(tokens: Tokens, file: Path, clock: Clock) -> None:
    before = tokens.issue("somebody", 1, NOW)
    replace(file, NEW, clock)
    with pytest.raises(Unauthenticated):
        tokens.read(before)


@pytest.mark.parametrize("broken", ["", "short\n", f"{NEW}\nshort\n", None])
def test_a_broken_file_changes_nothing_and_says_so(
    tokens: Tokens, file: Path, clock: Clock, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    token = tokens.issue("somebody", 1, NOW)
    if broken is None:
        file.unlink()
        clock.now += 1.0
    else:
        replace(file, broken, clock)
    with caplog.at_level(logging.ERROR):
        assert tokens.read(token).account_id == "somebody"
    assert [record.getMessage() for record in caplog.records] == ["account.keys_refused"]
    replace(file, NEW, clock)
    assert kid(tokens.issue("somebody", 1, NOW)) == parse_keys(NEW)[0].id


def test_the_file_is_looked_at_once_a_second(tokens: Tokens, file: Path, clock: Clock) -> None:
    before = kid(tokens.issue("somebody", 1, NOW))
    replace(file, NEW, clock)
    clock.now -= 0.5
    assert kid(tokens.issue("somebody", 1, NOW)) == before


def test_the_id_of_a_key_tells_nothing_of_it() -> None:
    key = parse_keys(OLD)[0]
    assert len(key.id) == 16
    assert key.id not in OLD
    assert OLD.encode().hex()[:8] not in key.id


@pytest.mark.parametrize("key", ["", " \n", "short", OLD[:31]])
def test_a_short_key_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(WeakKey, match="AUTH_KEY_FILE"):
        Tokens(settings(key))


# --- how often ------------------------------------------------------------------------------------------------------


def test_as_many_requests_at_once_as_in_a_minute_then_evenly() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    for _ in range(60):
        rates.take("shop")
    with pytest.raises(TooManyRequests) as refused:
        rates.take("shop")
    assert refused.value.retry_after_s == 1
    rates.take("another")
    clock.now += 1.0
    rates.take("shop")
    with pytest.raises(TooManyRequests):
        rates.take("shop")


def test_a_refusal_costs_nothing_and_a_rest_fills_no_more_than_the_bucket() -> None:
    clock = Clock()
    rates = Rates(6, clock)
    for _ in range(6):
        rates.take("shop")
    for _ in range(50):
        with pytest.raises(TooManyRequests) as refused:
            rates.take("shop")
    assert refused.value.retry_after_s == 10
    clock.now += 3600.0
    for _ in range(6):
        rates.take("shop")
    with pytest.raises(TooManyRequests):
        rates.take("shop")


def test_what_is_remembered_is_bounded() -> None:
    rates = Rates(1, Clock())
    for number in range(10_001):
        rates.take(str(number))
    rates.take("0")  # the oldest was forgotten
    with pytest.raises(TooManyRequests):
        rates.take("10000")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_customer_of_a_provider_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_each_role_covers_those_before_it() -> None:
    covered = {role: [other for other in Role if role.covers(other)] for role in Role}
    assert covered == {
        Role.CUSTOMER: [Role.CUSTOMER],
        Role.REVIEWER: [Role.CUSTOMER, Role.REVIEWER],
        Role.ADMIN: list(Role),
    }
