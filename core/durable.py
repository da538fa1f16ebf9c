"""Writing files that survive a power cut.

A file is complete or absent: it is written under another name, flushed to the disk, and renamed. The
rename itself is durable only once the folder is flushed too. After a failed flush the kernel marks the
page clean, so nothing here retries: the error goes up and the caller starts again with a new file.
"""

import os
import uuid
from pathlib import Path
from typing import BinaryIO

from core import failpoints

_named: set[Path] = set()  # folders whose names this process has flushed


def aside_name(path: Path) -> Path:
    """A fresh sibling name that no reader looks at: a leading dot, the name, a random ending."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.aside")


def flush(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(folder: Path) -> None:
    """Flush every file and folder below ``folder``, and the folder itself."""
    for path in folder.rglob("*"):
        flush(path)
    flush(folder)


def make_folder(path: Path) -> Path:
    """Create ``path`` and its parents, each new name flushed to the disk. Returns ``path``.

    A folder that is there may have been made by a process that was killed before it flushed the name, and everything
    in it would go with that name. So names that were found are flushed too, once in the life of a process, as far up
    as they can be ours: to the mount point, or to a folder in which we may not write.
    """
    whole = path.absolute()
    for folder in reversed([whole, *whole.parents][:-1]):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
        elif folder in _named or not _may_be_ours(folder):
            continue
        flush(folder.parent)
        _named.add(folder)
    return path


def _may_be_ours(folder: Path) -> bool:
    same_disk = folder.stat().st_dev == folder.parent.stat().st_dev
    return same_disk and os.access(folder.parent, os.R_OK | os.W_OK)


def write_flushed(path: Path, data: bytes | memoryview) -> None:
    """Create ``path`` with the content ``data`` and flush it; its name is not on the disk yet.

    Raises:
        FileExistsError: it is there; nothing was changed.
        OSError: the disk refused; some of ``data`` may have been written.
    """
    with path.open("xb") as file:
        failpoints.reach("file.created", tear=lambda: _write(file, data[: len(data) // 2]))
        _write(file, data)
        failpoints.reach("file.written")
        os.fsync(file.fileno())
    failpoints.reach("file.flushed")


def _write(file: BinaryIO, data: bytes | memoryview) -> None:
    file.write(data)
    file.flush()


def write_durably(path: Path, data: bytes | memoryview) -> None:
    """Replace ``path`` by ``data`` in one step; after returning, a power cut loses nothing of it.

    Raises:
        OSError: the disk refused (full, read-only, flush failed). ``path`` is as it was before, or, where only the
            flush of its folder failed, holds ``data``.
    """
    aside = aside_name(path)
    try:
        write_flushed(aside, data)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    failpoints.reach("file.renamed")
    flush(path.parent)
    failpoints.reach("file.durable")
