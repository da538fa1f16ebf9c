"""The lookup keys that appends write are moved to the large index now and then, and found wherever they are."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

import core.db.migrate
from core.db.migrate import migrate
from core.db.models import NearKey, RecentNearKey
from core.db.repositories import clusters
from core.db.session import make_sessions
from core.domain.clusters import Signature
from preprocessing.ingest import settling
from preprocessing.ingest.settling import settle
from tests.integration.ingest.shop import Shop, photo

MIGRATIONS = Path(core.db.migrate.__file__).with_name("migrations")
LAMP = "Lampe bureau pliable chargeur induction tactile"


def keys_of(session: Session, table: type[NearKey | RecentNearKey]) -> set[tuple[int, int]]:
    return {(row.lookup_key, row.signature_id) for row in session.query(table)}


def keys_in(shop: Shop) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Those of the large index and the recent ones."""
    with shop.sessions() as session:
        return keys_of(session, NearKey), keys_of(session, RecentNearKey)


def test_an_import_writes_settled_keys_and_an_append_recent_ones(shop: Shop) -> None:
    base, recent = keys_in(shop)
    assert base
    assert recent == set()
    shop.validated(LAMP, image=photo(101))
    shop.append()
    settled, recent = keys_in(shop)
    assert settled == base
    assert len({signature for _, signature in recent}) == 2  # of the title and of the photo


def test_settling_moves_every_key_and_a_copy_is_found_before_and_after(shop: Shop) -> None:
    first = shop.validated(f"{LAMP} noire")
    shop.append("first")
    second = shop.validated(f"{LAMP} rouge")
    shop.append("second")
    settled, recent = keys_in(shop)
    assert settle(shop.sessions, many=1, at_once=5) == len(recent)
    assert keys_in(shop) == (settled | recent, set())
    third = shop.validated(f"{LAMP} verte")
    shop.append("third")
    rows = shop.rows()
    assert len({rows[one].cluster for one in (first, second, third)}) == 1
    assert shop.check() == []


def test_few_keys_are_not_worth_moving(shop: Shop) -> None:
    shop.validated(LAMP)
    shop.append()
    before = keys_in(shop)
    assert settle(shop.sessions, many=len(before[1]) + 1) == 0
    assert keys_in(shop) == before


def test_a_settling_that_is_stopped_loses_no_key_and_is_finished_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.validated(LAMP, image=photo(102))
    shop.append()
    settled, recent = keys_in(shop)
    move, moves = clusters.settle_keys, []

    def stop_in_the_second(session: Session, limit: int) -> int:
        moves.append(move(session, limit))
        if len(moves) == 2:
            raise KeyboardInterrupt
        return moves[-1]

    monkeypatch.setattr(settling.clusters, "settle_keys", stop_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        settle(shop.sessions, many=1, at_once=10)
    now_settled, now_recent = keys_in(shop)
    assert now_settled | now_recent == settled | recent
    assert len(now_recent) == len(recent) - 10
    monkeypatch.undo()
    assert settle(shop.sessions, many=1) == len(recent) - 10
    assert keys_in(shop) == (settled | recent, set())


def test_a_key_that_is_added_while_others_are_moved_stays(shop: Shop) -> None:
    shop.validated(LAMP)
    shop.append()
    late = (keys_in(shop)[1].pop()[0], 7)  # shares a key with one that is moved
    with shop.sessions.begin() as session:
        keys = session.execute(clusters.select_recent(1000)).all()
        session.add_all(NearKey(lookup_key=key, signature_id=number) for key, number in keys)
        session.add(RecentNearKey(lookup_key=late[0], signature_id=late[1]))
        session.flush()
        session.execute(clusters.delete_of_settled(2**63 - 1), execution_options={"synchronize_session": False})
    assert keys_in(shop)[1] == {late}


def test_the_sweep_settles_many_keys_and_says_how_many(shop: Shop) -> None:
    signatures = {f"v:{number}": _signature(number) for number in range(2_500)}
    with shop.sessions.begin() as session:
        clusters.add_signatures(session, signatures)
    status, out, _ = shop.run("sweep")
    assert (status, json.loads(out.splitlines()[-1])["settled"]) == (0, 20_000)
    status, out, _ = shop.run("sweep")
    assert (status, json.loads(out.splitlines()[-1])["settled"]) == (99, 0)


def _signature(number: int) -> Signature:
    return Signature("title-1", tuple(number * 8 + key for key in range(8)), b"")


def test_keys_that_were_known_before_the_small_index_are_found_after_the_migration(empty_engine: Engine) -> None:
    sessions = make_sessions(empty_engine)
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        _go_back(connection, "0003")
        connection.execute(text("INSERT INTO near_key (lookup_key, signature_id) VALUES (5, 6)"))
    done = migrate(empty_engine)
    assert done.before == "0003"
    with sessions() as session:
        assert session.execute(clusters.select_keys([5])).all() == [(5, 6)]


def _go_back(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


@pytest.mark.parametrize("database_kind", ["mariadb"], indirect=True)
def test_a_lookup_on_mariadb_uses_the_keys_of_both_indexes(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        clusters.add_signatures(session, {f"v:{number}": _signature(number) for number in range(2_500)})
    settle(shop.sessions, at_once=20_000)
    with shop.sessions.begin() as session:
        clusters.add_signatures(session, {f"v:{number}": _signature(number) for number in range(2_500, 5_000)})
    compiled = clusters.select_keys(range(0, 40_000, 80)).compile(
        shop.engine, compile_kwargs={"render_postcompile": True}
    )
    with shop.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).mappings().all()
    steps = {row["table"]: (row["type"], row["key"]) for row in plan if not row["table"].startswith("<union")}
    assert steps == {"near_key": ("range", "PRIMARY"), "near_key_recent": ("range", "PRIMARY")}
