"""Keeps the index of labelled rows in step with the store and the served model, in the background and at low cost."""

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from api.serving.engine import NoRelease, ServingEngine
from core.errors import EtalonError
from core.store.shelf import Shelf

if TYPE_CHECKING:
    from inference.neighbours import Index

_log = logging.getLogger(__name__)

_LOOK_S = 2.0
_IDLE = 20.0  # times as long as a look took: a store of many segments is looked at less often,
_LONGEST_S = 10.0  # but not because one look had much to read
_STOP_S = 5.0


class _Stopped(Exception):
    """The process ends while rows are being read."""


class IndexKeeper:
    """A background thread that reads what it has not read yet. Whoever asks takes the index that there is.

    Args:
        serving: the release whose default model says which encoders count.
        shelf: the training store's rows.
        features: the folder of the feature cache; only read here.
    """

    def __init__(self, serving: ServingEngine, shelf: Shelf, features: Path) -> None:
        self._serving = serving
        self._shelf = shelf
        self._features = features
        self._index: Index | None = None
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="evidence", daemon=True)

    def start(self) -> None:
        """Begin to follow the store."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the block in hand; the index stays."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    @property
    def index(self) -> "Index | None":
        """What can be searched now; None until the store was looked at, or while it is empty."""
        return self._index

    def refresh(self) -> None:
        """Read what is new: rows of new segments, features that were not there before; leave out what was retracted.

        Raises:
            EtalonError: the store cannot be read; what was read stays.
        """
        # Imported by the thread that reads, so that the process answers its first request sooner.
        from api.evidence.reading import read_on

        with self._refreshing:
            view = self._shelf.view()
            if view is None:
                self._index = None
                return
            self._index = read_on(
                self._index, self._encoders(), view, shelf=self._shelf, features=self._features, rest=self._rest
            )

    def _encoders(self) -> Mapping[str, str]:
        """Sha by feature; none while nothing is served: then rows are known, but not what they look like."""
        try:
            _, model = self._serving.release().model(None)
        except NoRelease:
            return {}
        return model.encoders

    def _follow(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self.refresh()
            except _Stopped:
                return
            except EtalonError as error:
                _log.warning("evidence.unreadable", extra={"code": error.code})
            except Exception:
                _log.exception("evidence.failed")
            self._stopping.wait(min(max(_LOOK_S, _IDLE * (time.monotonic() - began)), _LONGEST_S))

    def _rest(self, worked_s: float) -> None:
        """Work half of the time at most; but whoever calls ``refresh`` themselves waits for it.

        A thread of low priority would not do: on a busy machine it is left waiting with the interpreter's lock in its
        hand, and every other thread with it.
        """
        if threading.current_thread() is self._thread and self._stopping.wait(worked_s):
            raise _Stopped
