"""A long download from a real process: slow, cut off, and harmless to everybody else."""

import csv
import io
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import insert

from core.db.models import Prediction
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.toys.predictions import staged

_ROWS = 12_000  # 12 MB: more than the sockets between take in
_DEADLINE_S = 1.0


@pytest.fixture
def shop(open_service: Callable[..., Etalon]) -> Iterator[tuple[Etalon, Caller]]:
    """A service whose requests are to be answered within a second, and a customer who has sent much.

    On SQLite: there a reader that is not done keeps everybody from writing.
    """
    etalon = open_service(SERVING_REQUEST_DEADLINE_S=str(_DEADLINE_S))
    sender = etalon.hire("customer")
    with etalon.sessions.begin() as session:
        session.execute(insert(Prediction), staged(sender.id, _ROWS))
    yield etalon, sender
    etalon.stop()


def test_a_slow_download_ends_whole_and_keeps_nobody_waiting(shop: tuple[Etalon, Caller]) -> None:
    """It takes longer than a request may, and others write meanwhile: it holds no lock and no place."""
    etalon, sender = shop
    with etalon.http.stream("GET", "/predictions.csv", headers=sender.headers) as answer:
        pieces = answer.iter_raw()
        received = [next(pieces)]
        begun = time.monotonic()
        while time.monotonic() - begun < 1.5 * _DEADLINE_S:
            etalon.predict(sender)
        received += list(pieces)
    lines = list(csv.DictReader(io.StringIO(b"".join(received).decode("utf-8"), newline="")))
    assert [line["designation"].split()[1] for line in lines] == [str(number) for number in range(_ROWS)]


def test_a_download_that_is_cut_off_is_an_error_and_no_shorter_file(shop: tuple[Etalon, Caller]) -> None:
    etalon, sender = shop

    def lose_it() -> None:
        with etalon.http.stream("GET", "/predictions.csv", headers=sender.headers) as answer:
            for _ in answer.iter_raw():
                etalon.kill()

    with pytest.raises(httpx.RemoteProtocolError):
        lose_it()
