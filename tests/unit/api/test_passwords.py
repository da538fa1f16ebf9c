"""Hashing passwords, which of them are refused, and how many are hashed at once."""

import asyncio
import secrets
import threading
import time

import pytest

from api.accounts.passwords import Passwords
from api.accounts.strength import WeakPassword, counted, require_strong
from api.accounts.turnstile import TooManySignIns, Turnstile
from core.db.repositories.users import UNMATCHED_HASH


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse battery")
    assert passwords.matches("correct horse battery", stored)
    assert not passwords.matches("wrong horse battery", stored)


def test_no_account_a_broken_hash_and_an_endless_password_match_nothing(passwords: Passwords) -> None:
    assert not passwords.matches("anything", None)
    assert not passwords.matches("anything", UNMATCHED_HASH)
    assert not passwords.matches("anything", "not a hash")
    assert not passwords.matches("x" * 2000, passwords.hash("x" * 2000))


def test_hashes_are_argon2id_at_the_recommended_cost(passwords: Passwords) -> None:
    assert passwords.hash("correct horse battery").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_matches_however_its_accents_are_typed(passwords: Passwords) -> None:
    assert passwords.matches("la crème brûlée", passwords.hash("la cre\u0300me bru\u0302le\u0301e"))


def test_no_account_costs_as_much_as_a_wrong_password(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse battery")

    def seconds(against: str | None) -> float:
        started = time.thread_time()
        passwords.matches("wrong horse battery", against)
        return time.thread_time() - started

    fastest = {against: min(seconds(against) for _ in range(7)) for against in (stored, None, UNMATCHED_HASH)}
    assert max(fastest.values()) < 1.5 * min(fastest.values())


# --- what is guessed first ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "elevenchars",
        "x" * 1025,
        "abababababab",
        "my-Carla-password",
        "password1234",
        "P@ssw0rd2024!",
        "Welcome2024!!",
        "iloveyou1234!",
        "passwordpassword",
        "motdepasse2024!",
        "Azertyuiop123",
        "1q2w3e4r5t6y",
        "zaq12wsxcde3",
        "123456789012",
        "210987654321",
        "abcdefghijklmnop",
        "qwertyuiop[]",
        "aaaaaaaabcde",
        "correcthorsebatterystaple",
        "Correct Horse Battery Staple",
        "Manchesterunited",
        "administrator",
        "soleilsoleil1",
    ],
)
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(weak, "carla")


@pytest.mark.parametrize(
    "strong",
    [
        "correct horse battery",
        "football-monkey-dragon",
        "la crème brûlée du chef",
        "Tr0ub4dor&3xyz",
        "пароль с лошадью",
        "🐴🔋📎🧷🪣🧯🪤🧲🪜🧺🪑🛋",
    ],
)
def test_passwords_that_nobody_tries_first_are_taken(strong: str) -> None:
    require_strong(strong, "carla")


def test_no_random_password_is_refused() -> None:
    assert min(counted(secrets.token_urlsafe(12)) for _ in range(2_000)) >= 8


def test_the_longest_password_is_judged_at_once() -> None:
    started = time.thread_time()
    for text in (secrets.token_urlsafe(768), "ab" * 512, "abc1" * 256, "qwertyuiop" * 102):
        counted(text)
    assert time.thread_time() - started < 1.0


# --- how many at once -----------------------------------------------------------------------------------------------


def test_no_more_are_at_work_than_there_are_threads_and_who_waits_is_served() -> None:
    turnstile = Turnstile(at_once=2, longest_line=50)
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)
        with lock:
            inside -= 1

    async def many() -> None:
        await asyncio.gather(*(turnstile.run(work) for _ in range(50)))

    asyncio.run(many())
    turnstile.close()
    assert most == 2


def test_who_finds_the_line_full_is_told_at_once() -> None:
    turnstile = Turnstile(at_once=1, longest_line=3)
    release = threading.Event()

    async def many() -> list[object]:
        asyncio.get_running_loop().call_later(0.1, release.set)
        return await asyncio.gather(*(turnstile.run(release.wait) for _ in range(5)), return_exceptions=True)

    answers = asyncio.run(many())
    turnstile.close()
    assert [type(answer) for answer in answers] == [bool] * 3 + [TooManySignIns] * 2


def test_a_request_that_is_given_up_loses_its_place() -> None:
    turnstile = Turnstile(at_once=1, longest_line=2)
    release = threading.Event()

    async def give_up() -> str:
        first = asyncio.ensure_future(turnstile.run(release.wait))
        second = asyncio.ensure_future(turnstile.run(lambda: "never"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        release.set()
        answer = await turnstile.run(lambda: "served")
        await first
        return answer

    assert asyncio.run(give_up()) == "served"
    turnstile.close()
