"""The real service as a process of its own, with a small real model, and every way into it that a test needs."""

import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy import Engine, select

from core.db.migrate import migrate
from core.db.models import Base
from core.db.repositories import promotions
from core.db.session import make_engine, make_readers, make_sessions
from core.settings import DatabaseSettings, LoopSettings, StoreSettings
from preprocessing.images import sanitise
from preprocessing.ingest.append import append
from preprocessing.ingest.check import check_loop
from tests import mariadb
from tests.api.people import PASSWORD, Caller, People
from tests.conftest import ROOT, SETTINGS_PREFIXES
from tests.integration.api.packaged import KNOWN, TAXONOMY_VERSION, TITLES, write_tiny_model
from tests.integration.api.toys import TAXONOMY

_START_S = 60.0
_STOP_S = 60.0
# What changes without anybody having decided anything: doors count sign-ins, keys and sessions say when they were used.
_PASSING = {("api_key", "last_used_at"), ("web_session", "last_seen_at")}
_PASSING_TABLES = {"sign_in_door", "store_check"}


@dataclass
class Etalon:
    """A place with a database, a store and a released model, and the process that serves them. Use it in a ``with``.

    Attributes:
        folder: where everything of it is kept.
        database: the staging database, migrated, in the service's own account.
        photo: a small photo, as sent.
        changes: settings that differ from what every place has here.
        taxonomy: the categories, as their file holds them.
        known: the words by which the model knows each category that it can answer.
        temperature: of those words; the lower, the surer the model is.
    """

    folder: Path
    database: DatabaseSettings
    photo: bytes
    changes: dict[str, str] = field(default_factory=dict)
    taxonomy: str = TAXONOMY
    known: Mapping[int, str] = field(default_factory=lambda: KNOWN)
    temperature: float = 0.2

    def __post_init__(self) -> None:
        self.store = StoreSettings(root=self.folder / "var")
        self.store.root.mkdir(parents=True)
        (self.store.root / "taxonomy.csv").write_text(self.taxonomy, encoding="utf-8")
        self.key = secrets.token_hex(32)
        self.port = free_port()
        self.engine = make_engine(self.database)
        self.sessions, self.readers = make_sessions(self.engine), make_readers(self.engine)
        clean = sanitise(self.photo, max_bytes=10**6, max_pixels=10**6)
        self.model = write_tiny_model(self.store.packages, clean.data, temperature=self.temperature, known=self.known)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        """Everything that its processes wrote."""
        return self.folder / "api.log"

    # --- its life -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.release(self.model)
        self.http = httpx.Client(base_url=self.url, timeout=60.0)
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.http.close()
        try:
            self.stop()
        finally:
            self.engine.dispose()

    def start(self) -> None:
        """Start the process; returns when it answers with its model."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=ROOT, env=self._environment(), stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the service did not start: {self.log.read_text(encoding='utf-8')[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM, as an operator does; it ends by itself, and made no mistake while it lived."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        finally:
            self._process.kill()
        assert self.mistakes() == []

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_STOP_S)

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=10.0).status_code == 200
        return False

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
        return {
            **kept,
            "DB_URL": self.database.url.get_secret_value(),
            "STORE_ROOT": str(self.store.root),
            "AUTH_KEY": self.key,
            "SERVING_PORT": str(self.port),
            "SERVING_POLL_S": "0.05",
            "SERVING_INFERENCE_THREADS": "1",
            "SERVING_MAX_IMAGE_PIXELS": "4000000",
            "AUTH_REQUESTS_PER_MINUTE": "1000000",
            "AUTH_FAILURES_PER_ADDRESS": "1000000",
            "AUTH_REGISTRATIONS_PER_ADDRESS": "1000000",
            "OMP_NUM_THREADS": "1",
            **self.changes,
        }

    # --- people -------------------------------------------------------------------------------------------------

    def hire(self, role: str) -> Caller:
        """Open an account of its own for whoever asks, and sign in."""
        return People(self.sessions, self.http).hire(role)

    def sign_in(self, username: str, password: str = PASSWORD) -> str:
        """An access token."""
        return People(self.sessions, self.http).sign_in(username, password)

    # --- requests -----------------------------------------------------------------------------------------------

    def predict(self, caller: Caller, designation: str = TITLES[0], **fields: str) -> str:
        """Send a product with a photo; returns the prediction's id."""
        files: dict[str, Any] = {name: (None, value.encode()) for name, value in fields.items()}
        files |= {"designation": (None, designation.encode()), "image": ("photo.jpg", self.photo)}
        answer = self.http.post("/predict", files=files, headers=caller.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def decide(self, caller: Caller, prediction_id: str, verb: str = "validate", **body: Any) -> httpx.Response:
        """``POST /predictions/{id}/{verb}``."""
        return self.http.post(f"/predictions/{prediction_id}/{verb}", json=body, headers=caller.headers)

    # --- what is behind it --------------------------------------------------------------------------------------

    def release(self, package: str) -> int:
        """Move the ledger to a package of ``fusion``; returns the new epoch."""
        with self.sessions.begin() as session:
            now = promotions.current(session)
            done = promotions.promote(
                session,
                expected_epoch=now.epoch if now else 0,
                models={"fusion": package},
                actor="test",
                reason="a test",
                kind="gate",
                gate_report=None,
                run_id=None,
                manifest=1,
                taxonomy_version=TAXONOMY_VERSION,
            )
            return done.epoch

    def append(self, run_key: str) -> None:
        """Bring what was validated into the training store, as the job does."""
        append(self.sessions, self.store, run_key=run_key)

    def violations(self) -> list[str]:
        """What of the loop's invariants does not hold, everything read again."""
        loop = LoopSettings()
        return [str(one) for one in check_loop(self.engine, self.store, loop, full=True).violations]

    def rows(self, table: type) -> list[Any]:
        """Every row of a table."""
        with self.readers() as session:
            return list(session.scalars(select(table)))

    def state(self) -> str:
        """A hash over every row of the database and every stored photo: equal means that nothing was done."""
        digest = hashlib.sha256()
        with self.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                if table.name in _PASSING_TABLES:
                    continue
                kept = [column for column in table.c if (table.name, column.name) not in _PASSING]
                rows = connection.execute(select(*kept).order_by(*table.primary_key.columns))
                digest.update(f"{table.name} {[tuple(row) for row in rows]}".encode(errors="surrogatepass"))
        photos = self.store.images.rglob("*") if self.store.images.is_dir() else ()
        digest.update(repr(sorted(path.name for path in photos)).encode())
        return digest.hexdigest()

    def answered(self) -> Counter[int]:
        """How often each status was answered, probes apart."""
        lines = (json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines())
        return Counter(line["status"] for line in lines if line["event"] == "request.served")

    def mistakes(self) -> list[str]:
        """Lines of the log about programming mistakes, and lines that are no JSON."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if not _is_fine(line)]


def _is_fine(line: str) -> bool:
    try:
        return json.loads(line)["event"] != "request.failed"
    except (ValueError, KeyError):
        return False


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def empty_database(folder: Path, server: mariadb.Server | None = None) -> DatabaseSettings:
    """A migrated database of its own: on the server where there is one, else SQLite in the folder."""
    if server is not None:
        return server.fresh().settings()
    settings = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
    migrated(make_engine(settings))
    return settings


def migrated(engine: Engine) -> None:
    """Bring a database to the newest schema and let go of it."""
    migrate(engine)
    engine.dispose()
