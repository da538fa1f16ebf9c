"""``python docker/airflow/accounts.py FOLDER``: Airflow's two accounts, with the passwords that FOLDER holds.

``admin`` is a person's. ``etalon`` is the service's, which may read assets and announce new ones: no more. Running it
again gives both the passwords that the files hold now.
"""

import sys
from pathlib import Path
from typing import Any

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.www.security import permissions
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

WAKER = "Waker"
_MAY = (
    (permissions.ACTION_CAN_READ, permissions.RESOURCE_ASSET),
    (permissions.ACTION_CAN_READ, permissions.RESOURCE_ASSET_ALIAS),
    (permissions.ACTION_CAN_CREATE, permissions.RESOURCE_ASSET),
)


@providers_configuration_loaded
def main(folder: Path) -> None:
    """Make or change the accounts."""
    with get_application_builder() as builder:
        security = builder.sm
        security.bulk_sync_roles([{"role": WAKER, "perms": list(_MAY)}])
        for username, role in (("admin", "Admin"), ("etalon", WAKER)):
            password = (folder / f"airflow-{username}.password").read_text(encoding="utf-8")
            _keep(security, username, role, password)


def _keep(security: Any, username: str, role: str, password: str) -> None:
    found = security.find_user(username=username)
    if found is not None:
        done = security.reset_password(found.id, password)
    else:
        address = f"{username}@etalon.invalid"  # asked for, and never written to
        done = security.add_user(username, username, "Etalon", address, security.find_role(role), password)
    if not done:
        sys.exit(f"Airflow did not take the account {username}")
    print(f"Airflow: account {username}, role {role}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
