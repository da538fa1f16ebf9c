"""``python docker/api/database_users.py HOST FOLDER``: the database and the two accounts of docs/deployment.md.

Safe to run again: the accounts get the passwords that FOLDER holds now. It signs in as root, encrypted, and the server
has to prove its name.
"""

import sys
from pathlib import Path

import pymysql
from pymysql.cursors import Cursor

_DATA = "SELECT, INSERT, UPDATE, DELETE"
RIGHTS = {"etalon": _DATA, "etalon_owner": f"{_DATA}, CREATE, ALTER, DROP, INDEX, REFERENCES"}


def main(host: str, folder: Path) -> None:
    """Make what is missing."""
    connection = pymysql.connect(
        host=host,
        user="root",
        password=_read(folder / "database-root.password"),
        ssl_ca=str(folder / "database-ca.pem"),
        ssl_verify_cert=True,
        ssl_verify_identity=True,
        connect_timeout=10,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS etalon CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        for username, rights in RIGHTS.items():
            _keep(cursor, username, _read(folder / f"database-{username}.password"), rights)


def _keep(cursor: Cursor, username: str, password: str, rights: str) -> None:
    account = f"'{username}'@'%%'"
    cursor.execute(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY %s REQUIRE SSL", (password,))
    cursor.execute(f"ALTER USER {account} IDENTIFIED BY %s REQUIRE SSL", (password,))
    cursor.execute(f"GRANT {rights} ON etalon.* TO '{username}'@'%'")
    print(f"database: account {username}: {rights}", flush=True)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
