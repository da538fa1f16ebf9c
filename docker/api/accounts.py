"""``python docker/api/accounts.py FOLDER``: the first accounts of the service; their passwords lie in FOLDER.

One for each role, and two canaries with which the running service is checked. Accounts that exist are left alone.
"""

import subprocess
import sys
from pathlib import Path

ROLES = {
    "admin": "admin",
    "reviewer": "reviewer",
    "customer": "customer",
    "canary": "customer",
    "canary-reviewer": "reviewer",
}


def main(folder: Path) -> None:
    """Make what is missing."""
    for username, role in ROLES.items():
        command = [sys.executable, "-m", "api.accounts", "create", "--username", username, "--role", role]
        password = (folder / f"{username}.password").read_bytes()
        done = subprocess.run(command, input=password, check=False)
        if done.returncode != 0:
            sys.exit(f"the service's account {username} could not be made")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
