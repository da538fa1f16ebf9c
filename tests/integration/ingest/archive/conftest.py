"""A drive to put rejected products into."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import googleapiclient.http
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.settings import DriveSettings
from preprocessing.archive.drive import DriveArchive
from tests.toys.drive import ROOT, FakeDrive


@pytest.fixture
def drive() -> Iterator[FakeDrive]:
    """An empty drive with the configured folder in it."""
    with FakeDrive() as drive:
        yield drive


@pytest.fixture(scope="session")
def private_key() -> str:
    """A service account's key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def settings_of(private_key: str) -> Callable[[FakeDrive], DriveSettings]:
    """What signs a service account in to a drive."""

    def settings_of(drive: FakeDrive) -> DriveSettings:
        account = {
            "type": "service_account",
            "client_email": "archive@example.iam.gserviceaccount.com",
            "private_key": private_key,
            "private_key_id": "k",
            "token_uri": f"{drive.url}token",
        }
        return DriveSettings(credentials=json.dumps(account), folder=ROOT, endpoint=drive.url)

    return settings_of


@pytest.fixture
def connect(
    drive: FakeDrive, settings_of: Callable[[FakeDrive], DriveSettings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., DriveArchive]]:
    """Signs a new client in. The library waits a random share of a growing time between two tries: here none of it."""
    monkeypatch.setattr(googleapiclient.http.random, "random", lambda: 0.0)
    with ExitStack() as connections:
        yield lambda other=drive: connections.enter_context(closing(DriveArchive.connect(settings_of(other))))
