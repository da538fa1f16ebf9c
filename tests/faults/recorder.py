"""Records what a process does to the files below one folder, call by call, while the calls really happen.

``os.*`` and ``open`` are wrapped in the running process; everything outside the folder passes through untouched.
A way to write that is not wrapped (a C library, ``sendfile``) cannot stay unnoticed: replaying the log must give
the very tree that is on the disk, and a test compares the two. SQLite writes from C, so the database is recorded as
what it promises: a commit is durable when it returns. A copy of its file is kept after each.
"""

import builtins
import io
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Open:
    """``handle`` now means the file or folder at ``path``; ``created`` if the name is new."""

    handle: int
    path: str
    created: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """``data`` at ``offset`` of the file, changed then at ``changed_ns`` by the clock of the files."""

    handle: int
    offset: int
    data: bytes = field(repr=False)
    changed_ns: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file is ``length`` bytes long from here on."""

    handle: int
    length: int
    changed_ns: int = 0


@dataclass(frozen=True, slots=True)
class Flush:
    """The file's data, or the folder's names, are on the disk."""

    handle: int


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A new empty folder."""

    path: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A name of a file, or an empty folder, is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Rename:
    """``source`` is called ``target``; what had that name before has lost it."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Link:
    """The file ``source`` has the second name ``target``."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The database has committed; ``content`` is its file."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Promise:
    """Somebody was told that ``what`` is done: from here on no power cut may undo it."""

    what: str


Operation = Open | Write | Truncate | Flush | MakeFolder | Remove | Rename | Link | Commit | Promise

_handles = itertools.count(1)  # never the same twice in a process, so that logs can be joined


class Recorder:
    """The log of one folder. ``with recorder.running(): …`` fills it."""

    def __init__(self, root: Path, database: Path | None = None) -> None:
        self.log: list[Operation] = []
        self._root = root.resolve()
        self._database = database
        self._open: dict[int, tuple[int, str]] = {}  # descriptor → handle and path
        self._lock = threading.RLock()

    def promise(self, what: str) -> None:
        """Note that ``what`` was acknowledged."""
        self.log.append(Promise(what))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Record everything in this process until the end of the block."""
        real = {name: getattr(os, name) for name in _WRAPPED}
        real_open, sendfile = builtins.open, shutil._USE_CP_SENDFILE  # type: ignore[attr-defined]
        shutil._USE_CP_SENDFILE = False  # type: ignore[attr-defined]
        for name, wrap in _WRAPPED.items():
            setattr(os, name, wrap(self, real[name]))
        builtins.open = io.open = self._wrapped_open(real_open)  # type: ignore[assignment]
        event.listen(Session, "after_commit", self._committed)
        try:
            yield
        finally:
            event.remove(Session, "after_commit", self._committed)
            builtins.open = io.open = real_open
            shutil._USE_CP_SENDFILE = sendfile  # type: ignore[attr-defined]
            for name, function in real.items():
                setattr(os, name, function)

    def _committed(self, session: Session) -> None:
        if self._database is not None:
            self.log.append(Commit(self._database.read_bytes()))

    def inside(self, path: Any, folder: int | None = None) -> str | None:
        """``path`` relative to the root ("" is the root itself), None outside of it."""
        full = Path(os.fsdecode(path))
        if folder is not None and not full.is_absolute():
            if folder not in self._open:
                return None
            full = self._root / self._open[folder][1] / full
        full = full.absolute()
        if not full.is_relative_to(self._root):
            return None
        return "/".join(full.relative_to(self._root).parts)

    def opened(self, descriptor: int, path: str, *, created: bool) -> int:
        """Remember a descriptor; returns its handle."""
        handle = next(_handles)
        self._open[descriptor] = (handle, path)
        self.log.append(Open(handle, path, created))
        return handle

    def handle_of(self, file: Any, descriptor: int, *, created: bool) -> int:
        """The handle of a file that was just opened, by its path or by a descriptor that is known."""
        if isinstance(file, int):
            return self._open[file][0]
        path = self.inside(file)
        assert path is not None, file
        return self.opened(descriptor, path, created=created)

    def closed(self, descriptor: int) -> None:
        """Forget a descriptor, whose number may come again."""
        self._open.pop(descriptor, None)

    def handle(self, descriptor: int) -> int | None:
        """The handle of an open descriptor, None where it is not of this folder."""
        return self._open[descriptor][0] if descriptor in self._open else None

    def _wrapped_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def open_file(
            file: Any,
            mode: str = "r",
            buffering: int = -1,
            encoding: str | None = None,
            errors: str | None = None,
            newline: str | None = None,
            closefd: bool = True,
            opener: Any = None,
        ) -> Any:
            writes = bool(set(mode) & set("wxa+"))
            known = file in self._open if isinstance(file, int) else self.inside(file) is not None
            if not writes or not known:
                return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
            if opener is not None or not closefd:
                raise NotImplementedError(f"the recorder knows no such way to open a file. Received: {file} {mode}")
            raw = _RecordedFile(self, file, mode.replace("b", "").replace("t", ""))
            if "b" in mode and buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)

        return open_file


class _RecordedFile(io.FileIO):
    """A file that tells the recorder what is written to it, as the system is told."""

    def __init__(self, recorder: Recorder, file: Any, mode: str) -> None:
        with recorder._lock:
            existed = isinstance(file, int) or os.path.lexists(file)
            super().__init__(file, mode)
            self._recorder = recorder
            self._at_end = "a" in mode
            self._handle = recorder.handle_of(file, self.fileno(), created=not existed)
            if "w" in mode and existed and not isinstance(file, int):
                recorder.log.append(Truncate(self._handle, 0, _changed_ns(self.fileno())))

    def write(self, data: Any) -> int:
        with self._recorder._lock:
            offset = os.fstat(self.fileno()).st_size if self._at_end else self.tell()
            written = super().write(data)
            done = Write(self._handle, offset, bytes(data)[:written], _changed_ns(self.fileno()))
            self._recorder.log.append(done)
            return written

    def truncate(self, size: int | None = None) -> int:
        with self._recorder._lock:
            length = super().truncate(size)
            self._recorder.log.append(Truncate(self._handle, length, _changed_ns(self.fileno())))
            return length

    def close(self) -> None:
        if not self.closed:
            self._recorder.closed(self.fileno())
        super().close()


def _changed_ns(descriptor: int) -> int:
    return os.fstat(descriptor).st_mtime_ns


def _open(recorder: Recorder, real: Callable[..., int]) -> Callable[..., int]:
    def call(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        inside = recorder.inside(path, dir_fd)
        with recorder._lock:
            existed = inside is None or _there(path, dir_fd)
            descriptor = real(path, flags, mode, dir_fd=dir_fd)
            if inside is not None:
                handle = recorder.opened(descriptor, inside, created=not existed)
                if flags & os.O_TRUNC and existed:
                    recorder.log.append(Truncate(handle, 0, _changed_ns(descriptor)))
            return descriptor

    return call


def _there(path: Any, folder: int | None) -> bool:
    try:
        os.stat(path, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _close(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
    def call(descriptor: int) -> None:
        recorder.closed(descriptor)
        real(descriptor)

    return call


def _write(recorder: Recorder, real: Callable[..., int]) -> Callable[..., int]:
    def call(descriptor: int, data: Any) -> int:
        handle = recorder.handle(descriptor)
        if handle is None:
            return real(descriptor, data)
        with recorder._lock:
            written = real(descriptor, data)
            offset = os.lseek(descriptor, 0, os.SEEK_CUR) - written
            recorder.log.append(Write(handle, offset, bytes(data)[:written], _changed_ns(descriptor)))
            return written

    return call


def _fsync(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
    def call(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        with recorder._lock:
            real(number)
            handle = recorder.handle(number)
            if handle is not None:
                recorder.log.append(Flush(handle))

    return call


def _truncate(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
    def call(file: Any, length: int) -> None:
        inside = recorder.inside(file) if not isinstance(file, int) else None
        if inside is not None:
            raise NotImplementedError("the recorder knows no os.truncate by name")
        real(file, length)
        handle = recorder.handle(file)
        if handle is not None:
            recorder.log.append(Truncate(handle, length, _changed_ns(file)))

    return call


def _of_one_path(operation: Callable[[str], Operation]) -> Callable[[Recorder, Callable[..., None]], Any]:
    def wrap(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
        def call(path: Any, *arguments: Any, dir_fd: int | None = None, **options: Any) -> None:
            inside = recorder.inside(path, dir_fd)
            with recorder._lock:
                real(path, *arguments, dir_fd=dir_fd, **options)
                if inside is not None:
                    recorder.log.append(operation(inside))

        return call

    return wrap


def _of_two_paths(operation: Callable[[str, str], Operation]) -> Callable[[Recorder, Callable[..., None]], Any]:
    def wrap(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
        def call(source: Any, target: Any, **options: Any) -> None:
            one, other = recorder.inside(source), recorder.inside(target)
            with recorder._lock:
                real(source, target, **options)
                if (one is None) != (other is None):
                    raise NotImplementedError(f"{source} → {target} crosses the recorded folder's border")
                if one is not None and other is not None:
                    recorder.log.append(operation(one, other))

        return call

    return wrap


def _unknown(recorder: Recorder, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        if any(isinstance(one, int) and recorder.handle(one) is not None for one in arguments) or any(
            isinstance(one, str | os.PathLike) and recorder.inside(one) is not None for one in arguments
        ):
            raise NotImplementedError(f"the recorder does not know {real.__name__}")
        return real(*arguments, **options)

    return call


_WRAPPED: dict[str, Callable[[Recorder, Any], Any]] = {
    "open": _open,
    "close": _close,
    "write": _write,
    "fsync": _fsync,
    "fdatasync": _fsync,
    "ftruncate": _truncate,
    "truncate": _truncate,
    "mkdir": _of_one_path(MakeFolder),
    "rmdir": _of_one_path(Remove),
    "unlink": _of_one_path(Remove),
    "remove": _of_one_path(Remove),
    "rename": _of_two_paths(Rename),
    "replace": _of_two_paths(Rename),
    "link": _of_two_paths(Link),
    "symlink": _unknown,
    "sendfile": _unknown,
    "copy_file_range": _unknown,
    "pwrite": _unknown,
    "writev": _unknown,
    "dup": _unknown,
}
