"""The two database servers, which are other people's images: this machine's programs stand in for them.

MariaDB with the compose file's configuration stands in for MySQL 8, PostgreSQL 15 for 17. Their users get our group,
as in the compose file, to read their secrets.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT

_GROUP = "10001"
_POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def missing() -> list[str]:
    """What this machine lacks for the stand-ins."""
    found = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("mariadbd", "mysqladmin")}
    lacking = [name for name, path in found.items() if path is None]
    return lacking + ([] if _POSTGRESQL else ["postgresql"])


def mysql(secrets: Path, data: Path, log: Path) -> tuple[list[str], dict[str, str]]:
    """Make an empty server whose root may come from anywhere with the password; the command that runs it."""
    data.mkdir()
    shutil.chown(data, "mysql", "mysql")
    make = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db"]
    subprocess.run([*make, "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL)
    password = (secrets / "database-root.password").read_text(encoding="utf-8")
    begin, options = log.with_suffix(".sql"), log.with_suffix(".cnf")
    begin.write_text(
        f"ALTER USER root@localhost IDENTIFIED BY '{password}';\n"
        "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';\n"
        f"CREATE USER root@'%' IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
    )
    options.write_text((ROOT / "docker/mysql/etalon.cnf").read_text("utf-8").replace("/secrets/mysql", str(secrets)))
    where = [f"--datadir={data}", f"--socket={data / 'sock'}", f"--pid-file={data / 'pid'}", f"--init-file={begin}"]
    return [*_as("mysql"), "mariadbd", f"--defaults-file={options}", *where], {
        "PATH": f"{os.environ['PATH']}:/usr/sbin"
    }


def postgres(secrets: Path, data: Path) -> tuple[list[str], dict[str, str]]:
    """Make a cluster with the image's settings; the command that runs it."""
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    tools, password = _POSTGRESQL[-1], secrets / "metadata.password"
    make = [tools / "initdb", "-D", data, "-U", "airflow", f"--pwfile={password}", "--auth-host=scram-sha-256"]
    command = [*_as("postgres"), *make, "--auth-local=scram-sha-256"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
    serve = [
        tools / "postgres",
        "-D",
        data,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={data}",
    ]
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PGPASSWORD": password.read_text(encoding="utf-8")}
    return [*map(str, [*_as("postgres"), *serve])], environment


def _as(username: str) -> list[str]:
    user = pwd.getpwnam(username)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", f"--groups={_GROUP}", "--no-new-privs", "--"]
