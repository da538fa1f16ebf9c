"""Uploads are decoded in processes of their own, which may be lost: warm, confined, and replaced."""

import logging
import os
import queue
import socket
import subprocess
import sys
import time
from hashlib import sha256
from typing import Protocol

from core.errors import Unavailable
from preprocessing.decoder import READY, Limits, receive_frame, send_frame
from preprocessing.images import (
    BadImage,
    ImageTooLarge,
    SanitisedImage,
    TooManyPixels,
    UndecodableImage,
    UnsupportedFormat,
    photo_size,
)

_log = logging.getLogger(__name__)

_REFUSALS = {kind.code: kind for kind in (UnsupportedFormat, UndecodableImage, ImageTooLarge, TooManyPixels)}
_HEAD_BYTES = 200  # of an answer: everything before the photo
_UPLOADS_EACH = 500  # then a process has done enough: whatever a library leaked goes with it
_ATTEMPTS = 2  # a process may have been lost to somebody else: the system short of memory, an operator
_START_S = 20.0  # a tenth of a second, unless the machine is very busy
_STOP_S = 1.0
_CRASH_S = 0.5  # until a process that has closed its socket can tell what ended it
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


class DecoderDown(Unavailable):
    """The processes that decode photos cannot be started."""

    code = "image.decoder_down"


class DecodersBusy(Unavailable):
    """More photos wait to be decoded than can be in time."""

    code = "image.decoders_busy"


class Decoder(Protocol):
    """What the service needs of whatever decodes its uploads."""

    def start(self) -> None:
        """Be ready for the first upload."""

    def stop(self) -> None:
        """Nothing is decoded any more."""

    def decode(self, upload: bytes) -> SanitisedImage:
        """What ``preprocessing.images.sanitise`` makes of ``upload``.

        Raises:
            BadImage: it is no photo.
            DecoderDown: no process could be started.
            DecodersBusy: none was free in time.
        """
        ...


class DecoderPool:
    """A few decoder processes. Threads may share it: one upload a process at a time, the rest wait.

    An upload that ends its process, or keeps it too long, is refused; no other upload notices.

    Args:
        limits: what one upload may cost.
        size: processes; their memory together is at most ``size`` × ``limits.memory_bytes``.
        patience_s: longest wait for a free process.
    """

    def __init__(self, limits: Limits, size: int, patience_s: float) -> None:
        self._limits = limits
        self._patience_s = patience_s
        self._size = size
        self._free: queue.Queue[_Place] = queue.Queue()  # in turn: one that was lost while idle is soon found

    def start(self) -> None:
        """Start every process; they warm up while their parent goes on."""
        for _ in range(self._size):
            place = _Place(self._limits)
            place.occupy()
            self._free.put(place)

    def stop(self) -> None:
        """End every process."""
        deadline = time.monotonic() + _STOP_S
        for _ in range(self._size):
            try:
                self._free.get(timeout=max(0.0, deadline - time.monotonic())).clear()
            except queue.Empty:  # its upload goes on without us; it ends when our end of its socket closes
                return

    def decode(self, upload: bytes) -> SanitisedImage:
        """See ``Decoder``."""
        if len(upload) > self._limits.max_bytes:
            raise ImageTooLarge(f"the image may have {self._limits.max_bytes} bytes. Received: {len(upload)}")
        try:
            place = self._free.get(timeout=self._patience_s)
        except queue.Empty:
            raise DecodersBusy("Every decoder is busy; try again.") from None
        try:
            answer = place.ask(upload)
        finally:
            self._free.put(place)
        return _read(answer, self._limits)


class _Place:
    """The place of one process. Whatever becomes of the process, the place gets another."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: _Process | None = None

    def occupy(self) -> None:
        """Start a process; one that cannot be started now is tried again when it is needed."""
        try:
            self._process = _Process(self._limits)
        except OSError as error:
            _log.error("decoder.not_started", extra={"error": type(error).__name__})

    def clear(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def ask(self, upload: bytes) -> bytes:
        """The process's answer to ``upload``.

        Raises:
            DecoderDown: no process can be started.
            UndecodableImage: decoding it takes too long, or ends one process after the other.
        """
        for _ in range(_ATTEMPTS):
            process = self._warm_process()
            try:
                answer = process.ask(upload)
            except TimeoutError:
                self._lose("time-out")
                raise UndecodableImage("the image takes too long to decode") from None
            except (OSError, EOFError):
                self._lose("crash")
            else:
                if process.uploads >= _UPLOADS_EACH:
                    self._replace()
                return answer
        raise UndecodableImage("the image is damaged")

    def _warm_process(self) -> "_Process":
        for _ in range(_ATTEMPTS):
            if self._process is None:
                self.occupy()
            try:
                if self._process is not None:
                    self._process.await_ready()
                    return self._process
            except (OSError, EOFError):
                self._lose("gone")
        raise DecoderDown("Photos cannot be decoded now; try again, or send the product without one.")

    def _lose(self, why: str) -> None:
        exit_code = self._process.end(_CRASH_S if why == "crash" else 0) if self._process else None
        _log.warning("decoder.lost", extra={"why": why, "exit_code": exit_code})
        self._process = None

    def _replace(self) -> None:
        self.clear()
        self.occupy()


class _Process:
    """One running decoder.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready = False
        self.uploads = 0
        self._channel, theirs = socket.socketpair()
        try:
            # A session of its own: signals that are meant for the service's process group pass it by, and it ends
            # when the socket does.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "preprocessing.decoder", limits.to_json()],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
        except OSError:
            self._channel.close()
            raise
        finally:
            theirs.close()

    def await_ready(self) -> None:
        """Wait until it has loaded what it needs, once.

        Raises:
            EOFError, OSError: it is gone, or does not come up.
        """
        if self._ready:
            if self._process.poll() is not None:
                raise EOFError("it was ended")
            return
        if receive_frame(self._channel, len(READY), deadline=time.monotonic() + _START_S) != READY:
            raise EOFError("it is something else")
        self._ready = True

    def ask(self, upload: bytes) -> bytes:
        """Its answer.

        Raises:
            TimeoutError: there is none in time.
            EOFError, OSError: it is gone.
        """
        deadline = time.monotonic() + self._limits.timeout_s
        self.uploads += 1
        send_frame(self._channel, upload, deadline=deadline)
        return receive_frame(self._channel, self._limits.max_answer_bytes, deadline=deadline)

    def end(self, grace_s: float = 0) -> int:
        """End it, unless it ends by itself within ``grace_s``; its exit code."""
        self._channel.close()
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _environment() -> dict[str, str]:
    """Where to find the code, and nothing of ours: no key, no password, no address."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}


def _read(answer: bytes, limits: Limits) -> SanitisedImage:
    """An answer as what ``sanitise`` would have returned or raised."""
    head, _, rest = answer.partition(b"\n")
    match head[:_HEAD_BYTES].decode("ascii", "replace").split():
        case ["ok"]:
            return SanitisedImage(rest, sha256(rest).hexdigest(), *photo_size(rest, limits.max_pixels))
        case ["refused", code]:
            raise _REFUSALS.get(code, BadImage)(rest[:_HEAD_BYTES].decode("utf-8", "replace"))
        case _:
            raise UndecodableImage("the image is damaged")
