"""The one-machine system on a MySQL server: its database is made ready there, and nothing of it on the disk."""

from pathlib import Path

from core.db.models import UserAccount
from core.db.session import make_sessions
from local.database import DatabaseChoice
from local.state import State
from local.system import System
from tests import mariadb


def test_the_first_start_migrates_the_server_and_makes_the_accounts(
    mariadb_server: mariadb.Server, tmp_path: Path
) -> None:
    database = mariadb_server.empty()
    state = State.at(tmp_path / "state")
    DatabaseChoice(state).make({"DB_URL": database.owner_url})
    system = System.assemble(state.root)
    system.migrate()
    system.migrate()
    engine = database.engine()
    with make_sessions(engine)() as session:
        people = {(role, role) for role in ("customer", "reviewer", "admin")}
        canaries = {("canary", "customer"), ("canary-reviewer", "reviewer")}
        assert {(row.username, row.role) for row in session.query(UserAccount)} == people | canaries
    engine.dispose()
    assert not state.database.exists()
