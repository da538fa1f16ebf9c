"""With DB_TLS_CA the connection is encrypted, and a server that cannot prove its name is refused."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.db.session import make_engine
from core.settings import DatabaseSettings
from tests import mariadb, remote_server
from tests.toys.certificates import certificate


@pytest.fixture(scope="module")
def encrypted(
    mariadb_server: mariadb.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[mariadb.Server, Path]]:
    """A server that offers encryption (beside the usual one, which does not), and the authority behind it."""
    remote_server.skip_on(mariadb_server)
    alone, with_key = certificate()
    authority = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.write_bytes(alone)
    server = mariadb.Server(certificate=with_key)
    yield server, authority
    server.stop()


def test_the_connection_is_encrypted(encrypted: tuple[mariadb.Server, Path]) -> None:
    server, authority = encrypted
    engine = make_engine(DatabaseSettings(url=server.fresh().url, tls_ca=authority))
    with engine.connect() as connection:
        name, cipher = connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()
    engine.dispose()
    assert (name, bool(cipher)) == ("Ssl_cipher", True)


def test_a_server_that_nobody_vouches_for_is_refused(encrypted: tuple[mariadb.Server, Path]) -> None:
    server, _ = encrypted
    engine = make_engine(DatabaseSettings(url=server.fresh().url, tls_ca=Path(certifi.where())))
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        engine.connect()
    engine.dispose()


def test_a_server_that_offers_no_encryption_is_refused(mariadb_server: mariadb.Server) -> None:
    remote_server.skip_on(mariadb_server)
    engine = make_engine(DatabaseSettings(url=mariadb_server.fresh().url, tls_ca=Path(certifi.where())))
    with pytest.raises(OperationalError, match="SSL"):
        engine.connect()
    engine.dispose()
