"""A private MariaDB server for tests: a temporary folder, a free port of loopback, gone when pytest is.

``python -m tests.mariadb`` says whether one can be started here, and what to install if not.
"""

import atexit
import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.cursors import Cursor
from sqlalchemy import Engine

from core.db.migrate import migrate
from core.db.session import make_engine
from core.settings import DatabaseSettings

SKIPPED = "SKIP_MARIADB=1: nothing of this was checked on MariaDB"
ADVICE = (
    "mariadbd is not installed, and the staging database must be tested on it. On Debian and Ubuntu:\n"
    "    apt-get install mariadb-server\n"
    "or run without those tests: SKIP_MARIADB=1 make test"
)
_PASSWORD = "as-good-as-any"
_START_S = 60.0
_PR_SET_PDEATHSIG = 1
# Tests do not survive a power cut; the flushes of production are enumerated elsewhere and would only cost time here.
_FAST = ("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0")
_SMALL = ("--innodb-log-file-size=32M", "--innodb-buffer-pool-size=64M", "--performance-schema=0", "--skip-log-bin")


class NotInstalled(RuntimeError):
    """There is no MariaDB server on this machine."""


def program() -> str | None:
    """Path of the server's program."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/opt/mariadb/bin"])
    return next(filter(None, (shutil.which(name, path=search) for name in ("mariadbd", "mysqld"))), None)


def is_skipped() -> bool:
    """Whether somebody chose to run without it."""
    return os.environ.get("SKIP_MARIADB") == "1"


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a server, and the two accounts that use it.

    Attributes:
        url: for the service and its jobs: reads and writes rows, and may do nothing else.
        owner_url: for migrations: may change the schema too.
    """

    name: str
    url: str
    owner_url: str

    def settings(self, **changes: int) -> DatabaseSettings:
        """What the service is configured with."""
        return DatabaseSettings(url=self.url, **changes)

    def engine(self, **changes: int) -> Engine:
        """An engine as the service makes it."""
        return make_engine(self.settings(**changes))

    def owner(self) -> Engine:
        """An engine that may migrate."""
        return make_engine(DatabaseSettings(url=self.owner_url))


class Server:
    """A running server. ``stop`` ends it and removes its folder; so does the end of this process, however it ends."""

    def __init__(self, *, like_production: bool = False, certificate: bytes | None = None) -> None:
        """Install and start one.

        Args:
            like_production: flush as production has to, instead of as fast as tests can.
            certificate: offer encryption with this certificate and its key, both in PEM.
        """
        binary = program()
        if binary is None:
            raise NotInstalled(ADVICE)
        self._binary = binary
        self._flushes = () if like_production else _FAST
        self._folder = Path(tempfile.mkdtemp(prefix="etalon-mariadb-"))
        self._folder.chmod(0o755)  # the server may run as another user
        self._user = "mysql" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._count = itertools.count(1)
        self._blueprints: dict[str, list[str]] = {}
        self.port = _free_port()
        atexit.register(self.stop)
        self._install()
        self._encryption: tuple[str, ...] = ()
        if certificate is not None:
            path = self._folder / "certificate.pem"
            path.write_bytes(certificate)
            self._encryption = (f"--ssl-cert={path}", f"--ssl-key={path}")
        self.start()
        self._create_accounts()

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self._folder / "server.log"

    @property
    def pid(self) -> int:
        """Id of its process."""
        assert self._process is not None
        return self._process.pid

    # --- its life -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it on its old files; returns when it answers."""
        command = [self._binary, *self._options(), *self._flushes, *_SMALL, *self._encryption]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=self._user, group=self._user, preexec_fn=_die_with_parent
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it and remove its folder."""
        atexit.unregister(self.stop)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL: what was committed is in its files, what was not is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def hang(self) -> None:
        """SIGSTOP: connections stay open and nobody answers.

        A thread that is running goes on until the kernel next looks at it, so this waits until every thread stands.
        """
        assert self._process is not None
        self._signal(signal.SIGSTOP)
        while not _stands(self._process.pid):
            time.sleep(0.001)

    def resume(self) -> None:
        """SIGCONT after ``hang``; it goes on with what it had received."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """An orderly shutdown, as a package upgrade does it, and a start."""
        self._signal(signal.SIGTERM)
        assert self._process is not None
        self._process.wait(_START_S)
        self.start()

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)

    # --- databases ----------------------------------------------------------------------------------------------

    def fresh(self, template: str = "plain", fill: Callable[[Engine], None] | None = None) -> Database:
        """A migrated database of its own; ``fill`` puts rows into the template, once for all its copies."""
        if template not in self._blueprints:
            self._make_template(template, fill)
        made = self.empty()
        with self._as_root() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(f"USE `{made.name}`")
            for statement in self._blueprints[template]:
                cursor.execute(statement)
        return made

    def empty(self) -> Database:
        """A database without a table."""
        return self._create(f"etalon_{next(self._count)}")

    def drop(self, name: str) -> None:
        """Remove a database, if it is there; who still uses it gets errors."""
        with self._as_root() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def _make_template(self, name: str, fill: Callable[[Engine], None] | None) -> None:
        made = self._create(f"etalon_template_{name}")
        engine = made.owner()
        migrate(engine)
        if fill is not None:
            fill(engine)
        engine.dispose()
        with self._as_root() as cursor:
            cursor.execute(f"USE `{made.name}`")
            cursor.execute("SHOW TABLES")
            tables = [row[0] for row in cursor.fetchall()]
            self._blueprints[name] = list(_blueprint(cursor, made.name, tables))

    def _create(self, name: str) -> Database:
        with self._as_root() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        place = f"{self._host()}:{self.port}/{name}"
        urls = (f"mysql+pymysql://{user}:{_PASSWORD}@{place}" for user in ("etalon", "etalon_owner"))
        return Database(name, *urls)

    # --- beginnings ---------------------------------------------------------------------------------------------

    def _options(self) -> list[str]:
        return [
            "--no-defaults",
            f"--datadir={self._folder / 'data'}",
            f"--socket={self._folder / 'socket'}",
            f"--pid-file={self._folder / 'data' / 'pid'}",
            f"--tmpdir={self._folder / 'tmp'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
        ]

    def _install(self) -> None:
        for name in ("data", "tmp"):
            (self._folder / name).mkdir()
        if self._user:
            for folder in (self._folder, self._folder / "data", self._folder / "tmp"):
                shutil.chown(folder, self._user, self._user)
        install = shutil.which("mariadb-install-db") or "mysql_install_db"
        done = subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={self._folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *([f"--user={self._user}"] if self._user else []),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{install} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        self._connect().close()

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._folder / "socket")) == 0

    def _create_accounts(self) -> None:
        """The grants that docs/deployment.md names."""
        with self._as_root() as cursor:
            host = self._client_host()
            for user, rights in (
                ("etalon", "SELECT, INSERT, UPDATE, DELETE"),
                ("etalon_owner", "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES"),
            ):
                cursor.execute(f"CREATE USER IF NOT EXISTS {user}@'{host}' IDENTIFIED BY '{_PASSWORD}'")
                cursor.execute(f"GRANT {rights} ON `etalon\\_%`.* TO {user}@'{host}'")

    def _host(self) -> str:
        return "127.0.0.1"

    def _client_host(self) -> str:
        """From where its accounts may come."""
        return "127.0.0.1"

    def _connect(self) -> "pymysql.Connection[Cursor]":
        # Reading every certificate of the machine takes longer than what is asked over this socket.
        return pymysql.connect(
            unix_socket=str(self._folder / "socket"), user="root", autocommit=True, ssl_disabled=True
        )

    @contextlib.contextmanager
    def _as_root(self) -> Iterator[Cursor]:
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            yield cursor


def _blueprint(cursor: Cursor, template: str, tables: list[str]) -> Iterator[str]:
    """The statements that copy a template into the database in use; ``CREATE … LIKE`` would lose foreign keys."""
    for table in tables:
        cursor.execute(f"SHOW CREATE TABLE `{table}`")
        yield cursor.fetchall()[0][1]
        cursor.execute(f"SELECT COUNT(*) FROM `{table}`")
        if cursor.fetchall()[0][0]:
            yield f"INSERT INTO `{table}` SELECT * FROM `{template}`.`{table}`"


def _stands(pid: int) -> bool:
    """Whether every thread of a process is stopped; always where the kernel shows no threads."""
    states = (path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(state == "T" for state in states)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    """Linux kills the server when the process that started it is killed; elsewhere ``atexit`` has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    if is_skipped():
        sys.stdout.write(f"{SKIPPED}\n")
    elif program() is None:
        sys.exit(ADVICE)
