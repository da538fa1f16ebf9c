"""What stands outside the system: a Drive that has its faults, a mail server, a chat's webhook; all on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.dags.mailbox import Mailbox, open_mailbox
from tests.toys.drive import ROOT, Drive, FakeDrive, Fault

FAULTS = {
    2: Fault.AWAY,
    4: Fault.ANSWER_LOST,
    7: Fault.RATE_LIMIT,
    11: Fault.HALF_TAKEN,
    13: Fault.HANGS_UP,
    17: Fault.SESSION_FORGOTTEN,
    23: Fault.TOO_MANY,
    29: Fault.ANSWER_LOST,
    31: Fault.BROKEN,
    37: Fault.BAD_GATEWAY,
}
"""What goes wrong at which of the Drive's requests: ten faults, over the first few products."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is outside, and the settings that lead there."""

    drive: Drive
    mailbox: Mailbox
    settings: dict[str, str]


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Everything outside, listening on loopback until the block ends."""
    with FakeDrive() as server, open_mailbox() as mailbox:
        server.drive.faults.update(FAULTS)
        settings = {
            "DRIVE_FOLDER": ROOT,
            "DRIVE_ENDPOINT": server.url,
            "DRIVE_CREDENTIALS": _service_account(server.url),
            **mailbox.settings,
        }
        yield Surroundings(server.drive, mailbox, settings)


def _service_account(url: str) -> str:
    """The key of a service account whose tokens the stand-in gives."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "etalon@project.iam.gserviceaccount.com",
            "private_key": pem,
            "private_key_id": "1",
            "project_id": "project",
            "token_uri": f"{url}token",
        }
    )
