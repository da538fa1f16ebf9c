"""The release in memory. A background thread follows the ledger; the request path only reads one reference."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.metrics.instruments import Instruments
from core.db.models import Promotion
from core.db.repositories import promotions
from core.domain.product import Modality, Product
from core.errors import EtalonError, Invalid, Unavailable
from inference.answer import Answer

if TYPE_CHECKING:
    from inference.fusion_model import Inputs

_log = logging.getLogger(__name__)

DEFAULT_MODEL = "fusion"
_LONGEST_RETRY_S = 60.0
_STOP_S = 5.0  # a package that is loading is not worth a longer shutdown; the thread dies with the process


class NoRelease(Unavailable):
    """Nothing has been promoted yet, or its packages are still loading."""

    code = "model.none_released"


class UnknownModel(Invalid):
    """The release has no model of this name.

    Attributes:
        names: the names it has.
    """

    code = "model.unknown"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"The release has no model of that name; it has {', '.join(sorted(names))}.")
        self.names = tuple(names)


class Predictor(Protocol):
    """What the service needs of a loaded model; ``inference.model.ServedModel`` is one."""

    sha: str
    codes: tuple[int, ...]
    taxonomy_version: str
    spec: Mapping[str, Any]
    halves: frozenset[Modality]
    encoders: Mapping[str, str]

    def read(self, products: Sequence[Product]) -> "Inputs":
        """What the experts see of products: their features by name."""
        ...

    def predict(self, products: Sequence[Product], top_k: int = 3) -> list[Answer]:
        """One answer for each product, in order."""
        ...

    def check(self) -> None:
        """Answer a product whose answer is known, and raise where it is another one."""


ModelLoader = Callable[[str], Predictor]
"""Loads, verifies and warms the package with this sha, or raises."""


@dataclass(frozen=True, slots=True)
class Release:
    """One epoch of the ledger with its models loaded.

    Attributes:
        epoch: number in the ledger.
        models: a loaded model for every name of the release.
        promoted_at: when the epoch moved; naive UTC, as the database keeps it.
        run_id: the tracking run of the gated model.
        gate_report: what the gate measured when this package was first promoted.
    """

    epoch: int
    models: Mapping[str, Predictor]
    promoted_at: datetime
    run_id: str | None
    gate_report: Mapping[str, Any] | None

    @property
    def default_name(self) -> str:
        """The name that answers when the caller asks for none: ``fusion`` where there is one."""
        return DEFAULT_MODEL if DEFAULT_MODEL in self.models else min(self.models)

    def model(self, name: str | None) -> tuple[str, Predictor]:
        """The model of this name (None: the default one) with its name.

        Raises:
            UnknownModel: the release has none of this name.
        """
        chosen = self.default_name if name is None else name
        if chosen not in self.models:
            raise UnknownModel(list(self.models))
        return chosen, self.models[chosen]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An epoch that could not be served: why, how often it was tried, and when it is tried again (monotonic)."""

    epoch: int
    code: str
    attempts: int
    retry_at: float


class ServingEngine:
    """Keeps the newest intact release loaded.

    A release that fails verification is refused, logged and tried again at growing intervals, while the one
    before keeps answering. Requests that started on an old release finish on it. The models of the release before
    stay loaded, so that a rollback is a swap of references.

    Args:
        readers: sessions for looking at the ledger.
        load: loads one package.
        poll_s: seconds between two looks.
        instruments: hear of every release that is served or refused.
    """

    def __init__(
        self,
        readers: sessionmaker[Session],
        load: ModelLoader,
        poll_s: float,
        instruments: Instruments | None = None,
    ) -> None:
        self._readers = readers
        self._load = load
        self._poll_s = poll_s
        self._instruments = instruments or Instruments()
        self._release: Release | None = None
        self._before: Mapping[str, Predictor] = {}  # models of the release before, by name
        self._prepared: Mapping[str, Predictor] = {}  # of the release that is about to come, by sha
        self._refusal: Refusal | None = None
        self._looked = False
        self._polling = threading.Lock()  # one loader at a time; predictions never take it
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="serving", daemon=True)

    def start(self) -> None:
        """Begin to follow the ledger."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; the release stays."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def release(self) -> Release:
        """The release that answers now.

        Raises:
            NoRelease: there is none yet.
        """
        release = self._release
        if release is None:
            raise NoRelease("No model is being served yet.")
        return release

    @property
    def epoch(self) -> int | None:
        """The epoch that is served; None before the first."""
        return self._release.epoch if self._release else None

    def described(self) -> dict[str, Any]:
        """What the log says of the release that answers: its epoch and its default model; empty before the first."""
        release = self._release
        if release is None:
            return {}
        name, model = release.model(None)
        return {"epoch": release.epoch, "model": name, "model_version": model.sha}

    @property
    def refusal(self) -> Refusal | None:
        """The newer epoch that could not be served, if there is one."""
        return self._refusal

    @property
    def looked(self) -> bool:
        """Whether the ledger has been read at least once."""
        return self._looked

    def poll(self) -> None:
        """Look at the ledger once, and serve its newest epoch if that is another one.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the ledger cannot be read; what is served stays.
        """
        with self._polling:
            with self._readers() as session:
                newest = promotions.current(session)
                report = _gate_report(session, newest) if newest else None
            if newest is not None and newest.epoch != self.epoch and not self._resting(newest.epoch):
                self._take(newest, report)
            self._looked = True

    def prepare(self, shas: Collection[str]) -> list[Predictor]:
        """Load packages before a release names them, so that serving it is a swap of references; in the order given.

        Whatever the loader raises is raised: what is served stays.
        """
        with self._polling:
            known = {**self._loaded(), **self._prepared}
            self._prepared = {sha: known.get(sha) or self._load(sha) for sha in shas}
            return [self._prepared[sha] for sha in shas]

    def _loaded(self) -> dict[str, Predictor]:
        """The models in memory by sha: those of this release and of the one before."""
        serving = self._release.models if self._release else {}
        return {model.sha: model for model in (*self._before.values(), *serving.values())}

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self.poll()
            except SQLAlchemyError as error:
                _log.warning("release.ledger_unreadable", extra={"error": type(error).__name__})
            except Exception:
                _log.exception("release.poll_failed")
            self._stopping.wait(self._poll_s)

    def _resting(self, epoch: int) -> bool:
        refusal = self._refusal
        return refusal is not None and refusal.epoch == epoch and time.monotonic() < refusal.retry_at

    def _take(self, row: Promotion, report: Mapping[str, Any] | None) -> None:
        try:
            loaded = {**self._prepared, **self._loaded()}
            models = {name: loaded.get(sha) or self._load(sha) for name, sha in row.models.items()}
        except Exception as error:  # whatever a broken package provokes, the old release keeps answering
            self._refuse(row.epoch, error)
            return
        self._before = self._release.models if self._release else {}
        self._release = Release(row.epoch, models, row.created_at, row.run_id, report)
        self._prepared = {}
        self._refusal = None
        self._instruments.served(row.epoch)
        for unloaded in loaded.keys() - self._loaded().keys():
            self._instruments.forget(unloaded)
        _log.info("release.served", extra={"epoch": row.epoch, "models": row.models})

    def _refuse(self, epoch: int, error: Exception) -> None:
        before = self._refusal
        attempts = before.attempts + 1 if before is not None and before.epoch == epoch else 1
        wait_s = min(_LONGEST_RETRY_S, self._poll_s * 2**attempts)
        code = error.code if isinstance(error, EtalonError) else f"package.{type(error).__name__}"
        self._refusal = Refusal(epoch, code, attempts, time.monotonic() + wait_s)
        self._instruments.refused(code)
        _log.error("release.refused", exc_info=error, extra={"epoch": epoch, "code": code, "serving": self.epoch})


def _gate_report(session: Session, row: Promotion) -> Mapping[str, Any] | None:
    """What the gate measured of these models: a rollback's own row says nothing, the row it goes back to does."""
    if row.gate_report is not None:
        return row.gate_report
    earlier = (past for past in promotions.history(session) if past.models == row.models)
    return next((past.gate_report for past in earlier if past.gate_report is not None), None)
