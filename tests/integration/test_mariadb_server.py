"""The tests' own MariaDB server leaves nothing behind, however the process that started it ends."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from tests import mariadb, remote_server
from tests.conftest import ROOT
from tests.remote_server import RemoteServer

STARTS_ONE_AND_WAITS = (  # a shell's background jobs are started deaf to Ctrl-C
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from tests.mariadb import Server; server = Server();"
    "print(server.pid, server.log.parent, flush=True); signal.pause()"
)


@pytest.fixture(autouse=True)
def _needs_mariadb(mariadb_server: mariadb.Server) -> None:
    """Skips or fails as every test on MariaDB does."""
    remote_server.skip_on(mariadb_server)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_the_server_ends_with_the_process_that_started_it(how: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE_AND_WAITS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    out = starter.stdout
    assert out is not None
    pid, folder = out.readline().split()
    server = os.pidfd_open(int(pid))
    starter.send_signal(how)
    starter.wait(60)
    ended, _, _ = select.select([server], [], [], 60)
    os.close(server)
    out.close()
    assert ended
    assert how == signal.SIGKILL or not Path(folder).exists()
    shutil.rmtree(folder, ignore_errors=True)  # who is killed cannot tidy up


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb, "program", lambda: None)
    with pytest.raises(mariadb.NotInstalled, match="apt-get install mariadb-server"):
        mariadb.Server()


def test_a_server_that_is_there_already_does_as_well(mariadb_server: mariadb.Server) -> None:
    with mariadb_server._as_root() as cursor:
        cursor.execute("CREATE USER tester@'%' IDENTIFIED BY 'p@ss'")
        cursor.execute("GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION")
    server = RemoteServer(f"mysql+pymysql://tester:p%40ss@127.0.0.1:{mariadb_server.port}")
    database = server.fresh()
    engine = database.engine()
    assert "prediction" in inspect(engine).get_table_names()
    engine.dispose()
    with pytest.raises(pytest.skip.Exception):
        server.kill()
    server.stop()
    with server._as_root() as cursor:
        cursor.execute(f"SHOW DATABASES LIKE 'etalon\\_{os.getpid()}\\_%'")
        assert cursor.fetchall() == ()
