"""Keys and passwords are made once, and are their owner's."""

import base64
import json
import stat
from pathlib import Path

import pytest

from local.secrets import ACCOUNTS, Secrets


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    found = Secrets(tmp_path / "secrets")
    assert found.generate()
    return found


def test_every_file_is_readable_by_its_owner_only(secrets: Secrets) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in secrets.folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(secrets.folder.stat().st_mode) == 0o700


def test_the_signing_key_is_long_enough(secrets: Secrets) -> None:
    assert len(secrets.auth_key.read_bytes()) >= 32


def test_no_two_secrets_are_alike(secrets: Secrets) -> None:
    contents = [path.read_text() for path in secrets.folder.iterdir()]
    assert len(set(contents)) == len(contents)


def test_a_second_start_keeps_every_secret(secrets: Secrets) -> None:
    before = {path.name: path.read_text() for path in secrets.folder.iterdir()}
    assert not secrets.generate()
    assert {path.name: path.read_text() for path in secrets.folder.iterdir()} == before


def test_a_secret_that_was_lost_is_made_again(secrets: Secrets) -> None:
    (secrets.folder / "reviewer.password").unlink()
    secrets.generate()
    assert len(secrets.password("reviewer")) >= 20


def test_a_state_from_before_the_service_check_gets_its_accounts(secrets: Secrets) -> None:
    (secrets.folder / "canary.password").unlink()
    assert not secrets.generate()
    assert len(secrets.password("canary")) >= 20


def test_every_account_has_a_password(secrets: Secrets) -> None:
    assert len({secrets.password(username) for username in ACCOUNTS}) == 5


def test_airflow_knows_the_account_that_wakes_it(secrets: Secrets) -> None:
    accounts = json.loads(secrets.airflow_passwords.read_text())
    assert sorted(accounts) == ["admin", "etalon"]
    assert secrets.airflow_waker.read_text() == secrets.airflow_password("etalon") == accounts["etalon"]


def test_airflows_fernet_key_is_one(secrets: Secrets) -> None:
    assert len(base64.urlsafe_b64decode(secrets.airflow_key("fernet").read_text())) == 32
