"""A disk that fails at the Nth call: what a process sees of it, and how often it could have seen it."""

import errno
import io
import os
import resource
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which a disk fails.

    Attributes:
        calls: names of the functions that fail: of ``os``, or "open" for opening a file to write.
        error: the ``errno``.
        lasting: every later call of these fails too.
    """

    calls: frozenset[str]
    error: int
    lasting: bool


_NAMING = frozenset({"link", "rename", "replace", "mkdir"})
KINDS: Mapping[str, Kind] = {
    "a failed flush": Kind(frozenset({"fsync"}), errno.EIO, lasting=False),
    "a failed name": Kind(_NAMING | {"open"}, errno.EIO, lasting=False),
    "a full disk": Kind(frozenset({"open", "mkdir", "link", "write"}), errno.ENOSPC, lasting=True),
    "a read-only disk": Kind(_NAMING | {"open", "unlink", "rmdir", "write"}, errno.EROFS, lasting=True),
}
SHORT_WRITES = "a short write"
"""The kernel's own limit on the size of a file: the write that crosses it is cut short, the next one refused."""

_CALLS = ("fsync", "link", "rename", "replace", "mkdir", "unlink", "rmdir")


class _Disk:
    """Counts the calls below ``root`` and refuses some of them."""

    def __init__(self, kind: Kind, nth: int | None, root: Path) -> None:
        self.calls = 0
        self.flushed_again: list[str] = []
        self._kind, self._nth, self._root = kind, nth, str(root)
        self._failed_flushes: set[tuple[int, int]] = set()

    def meet(self, call: str, subject: object) -> None:
        """One call; raises if it is one that fails."""
        name = self._name(subject)
        if call not in self._kind.calls or not name.startswith(self._root):
            return
        self.calls += 1
        if self._nth is None or self.calls < self._nth or (self.calls > self._nth and not self._kind.lasting):
            return
        if call == "fsync" and isinstance(subject, int):
            self._failed_flushes.add(self._identity(subject))
        raise OSError(self._kind.error, os.strerror(self._kind.error), name)

    def remember_flush(self, descriptor: int) -> None:
        """A flush after a failed one of the same file proves nothing: the kernel has marked the page clean."""
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and self._identity(descriptor) in self._failed_flushes:
            self.flushed_again.append(self._name(descriptor))

    @staticmethod
    def _identity(descriptor: int) -> tuple[int, int]:
        status = os.fstat(descriptor)
        return status.st_dev, status.st_ino

    @staticmethod
    def _name(subject: Any) -> str:
        return str(Path(f"/proc/self/fd/{subject}").readlink()) if isinstance(subject, int) else os.fspath(subject)


class _Written:
    """A file opened to write, each of whose writes the disk may refuse half-way."""

    def __init__(self, file: Any, disk: _Disk, path: object) -> None:
        self._file, self._disk, self._path = file, disk, path

    def write(self, data: Any) -> int:
        try:
            self._disk.meet("write", self._path)
        except OSError:
            half = memoryview(data).cast("B") if not isinstance(data, str) else data
            self._file.write(half[: len(half) // 2])
            self._file.flush()
            raise
        return self._file.write(data)

    def __enter__(self) -> "_Written":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def failing_disk(kind: Kind, nth: int | None, root: Path, report: Path) -> Iterator[None]:
    """The disk below ``root`` fails at the ``nth`` call (None: never) until the end of the block.

    ``report`` gets how many calls there were, and the files that were flushed again after a failed flush.
    """
    disk = _Disk(kind, nth, root)
    try:
        with _patched(disk):
            yield
    finally:
        report.write_text("\n".join([str(disk.calls), *disk.flushed_again]), encoding="utf-8")


@contextmanager
def _patched(disk: _Disk) -> Iterator[None]:
    def refusing(call: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(subject: Any, *arguments: Any, **options: Any) -> Any:
            if call == "fsync":
                disk.remember_flush(subject)
            disk.meet(call, arguments[0] if call in ("link", "rename", "replace") else subject)
            return original(subject, *arguments, **options)

        return refuse

    def opening(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        writes = set(mode) & set("wxa+")
        if writes and not isinstance(path, int):
            disk.meet("open", path)
        file = opened(path, mode, *arguments, **options)
        return _Written(file, disk, path) if writes and not isinstance(path, int) else file

    opened = io.open
    originals = {call: getattr(os, call) for call in _CALLS}
    refusals = {call: refusing(call, original) for call, original in originals.items()}
    with patch.multiple(os, **refusals), patch.object(io, "open", opening):
        yield


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file grows beyond ``limit`` bytes, for the rest of the process's life."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    yield
