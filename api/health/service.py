"""Is there everything that a request needs?"""

import asyncio
import os
import shutil
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.decoding import Decoder, DecodersBusy
from api.drain import Drain
from api.health.scheduler import Scheduler
from api.health.watch import Watch, in_background
from api.serving.engine import NoRelease, ServingEngine
from api.taxonomy import TaxonomyFile
from core.db.repositories import promotions
from core.errors import EtalonError, Unavailable

_FRESH_S = 0.5  # anyone may ask, as often as they like: looked at is twice a second
_PATIENCE_S = 3.0
_WATCH_S = 10.0  # seconds between two known answers, decoded dots, looks at the scheduler
_MIN_FREE_BYTES = 100 * 1024 * 1024  # room for the photos that are on their way
_DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")


class NotReady(Unavailable):
    """Something a request needs is missing.

    Attributes:
        checks: ``ok`` or what is wrong, by what was looked at.
    """

    code = "service.not_ready"

    def __init__(self, checks: Mapping[str, str]) -> None:
        wrong = [f"{name}: {found}" for name, found in checks.items() if found != "ok"]
        super().__init__("; ".join(wrong))
        self.checks = checks


class NotStarted(Unavailable):
    """The process has not looked at the ledger yet."""

    code = "service.not_started"


class Draining(Unavailable):
    """The process finishes what it has accepted, and ends."""

    code = "service.draining"


class DiskFull(Unavailable):
    """The store's disk has no room for the photos that are on their way."""

    code = "storage.full"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look found.

    Attributes:
        checks: ``ok`` or what is wrong, by what a request needs.
        reports: what is said of others, which no request waits for.
        at: when, in monotonic seconds.
    """

    checks: Mapping[str, str]
    reports: Mapping[str, str]
    at: float


class HealthService:
    """Looks at what a request needs, in a thread beside the requests: one look at a time, for everybody who asks.

    Args:
        readers: sessions for asking the database.
        store_root: a folder on the disk that photos go to.
        taxonomy: the categories.
        serving: the release that answers.
        decoder: decodes uploads.
        scheduler: the orchestrator's.
        drain: whether the process is about to end.
    """

    def __init__(
        self,
        readers: sessionmaker[Session],
        store_root: Path,
        taxonomy: TaxonomyFile,
        serving: ServingEngine,
        decoder: Decoder,
        scheduler: Scheduler,
        drain: Drain,
    ) -> None:
        self._drain = drain
        self._checks: Mapping[str, Callable[[], str]] = {
            "database": partial(_outcome, partial(_ask_database, readers)),
            "disk": partial(_outcome, partial(_write_to_disk, store_root)),
            "taxonomy": partial(_outcome, taxonomy.current),
            "champion": partial(_outcome, serving.release),
            "golden": Watch(partial(_outcome, partial(_ask_champion, serving)), _WATCH_S).outcome,
            "decoder": Watch(partial(_outcome, partial(_decode_a_dot, decoder)), _WATCH_S).outcome,
        }
        self._reports = {"scheduler": Watch(scheduler.look, _WATCH_S).outcome}
        self._under_way: Future[Findings] | None = None
        self._found: Findings | None = None

    async def require_ready(self) -> Findings:
        """Every check with the answer ``ok``, at most half a second old.

        Raises:
            Draining: the process is about to end.
            NotReady: at least one has another answer, or they take too long.
        """
        if self._drain.begun:
            raise Draining("The service is about to end; ask another one.")
        found = await self._look()
        if any(outcome != "ok" for outcome in found.checks.values()):
            raise NotReady(found.checks)
        return found

    async def _look(self) -> Findings:
        if self._found is not None and time.monotonic() - self._found.at < _FRESH_S:
            return self._found
        if self._under_way is None or self._under_way.done():
            self._under_way = in_background(self._check)
        looked, _ = await asyncio.wait({asyncio.wrap_future(self._under_way)}, timeout=_PATIENCE_S)
        if not looked:
            raise NotReady({"checks": "no answer yet"})
        self._found = looked.pop().result()
        return self._found

    def _check(self) -> Findings:
        checks = {name: check() for name, check in self._checks.items()}
        reports = {name: report() for name, report in self._reports.items()}
        return Findings(checks, reports, time.monotonic())


def _ask_database(readers: sessionmaker[Session]) -> None:
    with readers() as session:
        promotions.current(session)  # a question to our own tables: an unmigrated database fails here


def _write_to_disk(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _MIN_FREE_BYTES:
        raise DiskFull("The disk is full.")
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"ready?")
        file.flush()
        os.fsync(file.fileno())


def _ask_champion(serving: ServingEngine) -> None:
    try:
        release = serving.release()
    except NoRelease:  # a check of its own says so
        return
    release.model(None)[1].check()


def _decode_a_dot(decoder: Decoder) -> None:
    try:
        decoder.decode(_DOT)
    except DecodersBusy:  # with photos
        return


def _outcome(check: Callable[[], object]) -> str:
    """``ok``, or the kind of failure: no address, path or password of ours."""
    try:
        check()
    except EtalonError as error:
        return error.code
    except (OSError, SQLAlchemyError, RuntimeError) as error:  # RuntimeError: the inference engine's
        return type(error).__name__
    return "ok"
