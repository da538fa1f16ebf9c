"""``python -m api.accounts create --username U --role R``: make an account; the password comes on standard input."""

import argparse
import json
import sys

from api.accounts.passwords import Passwords
from api.accounts.service import ensure_account
from core.db.session import make_engine, make_sessions
from core.domain.roles import Role
from core.errors import EtalonError
from core.settings import DatabaseSettings


def main() -> None:
    """Run the command; running it again changes nothing. The last line on standard output is JSON."""
    parser = argparse.ArgumentParser(prog="python -m api.accounts", description=__doc__)
    create = parser.add_subparsers(dest="verb", required=True).add_parser("create")
    create.add_argument("--username", required=True)
    create.add_argument("--role", required=True, type=Role, choices=list(Role), metavar="|".join(Role))
    arguments = parser.parse_args()
    password = sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
    engine = make_engine(DatabaseSettings())
    try:
        with make_sessions(engine).begin() as session:
            account, changed = ensure_account(
                session, Passwords(), username=arguments.username, password=password, role=arguments.role
            )
    except EtalonError as error:
        sys.exit(f"python -m api.accounts: {error}")
    finally:
        engine.dispose()
    print(json.dumps({"id": account.id, "username": account.username, "role": account.role, "changed": changed}))


if __name__ == "__main__":
    main()
