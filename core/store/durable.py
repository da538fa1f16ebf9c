"""What the training store needs beyond ``core.durable``: first-writer-wins files and folders built aside."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.durable import aside_name, flush


def make_folder(path: Path) -> Path:
    """Create ``path`` and its parents, each new name flushed to the disk. Returns ``path``."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        flush(folder.parent)
    return path


def flush_again(path: Path) -> None:
    """Flush an existing file and its name: a file that is visible after a crash need not be durable."""
    flush(path)
    flush(path.parent)


def publish_once(path: Path, data: bytes) -> None:
    """Create ``path`` with the content ``data`` if nobody did before; of two writers exactly one succeeds.

    Raises:
        FileExistsError: another writer was first; nothing was changed.
        OSError: the disk refused; ``path`` does not exist.
    """
    aside = aside_name(path)
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    flush(path.parent)


@contextmanager
def aside_folder(path: Path) -> Iterator[Path]:
    """A new folder beside ``path`` that no reader looks at; gone at the end unless it was renamed.

    It is locked while its writer lives, so that ``sweep`` can tell what a killed process left.
    """
    aside = aside_name(path)
    aside.mkdir()
    descriptor = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove the folders that killed writers left aside in ``folder``. Returns how many."""
    return sum(_remove_if_orphaned(aside) for aside in sorted(folder.glob(".*.aside")))


def _remove_if_orphaned(aside: Path) -> bool:
    try:
        descriptor = os.open(aside, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A writer caught between creating and locking finds its folder gone and fails: loud and harmless.
        shutil.rmtree(aside, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
