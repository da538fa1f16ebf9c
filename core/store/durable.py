"""What the training store needs beyond ``core.durable``: first-writer-wins files and folders built aside."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import failpoints
from core.durable import aside_name, flush, write_flushed


def flush_again(path: Path) -> None:
    """Flush an existing file and its name: a file that is visible after a crash need not be durable."""
    flush(path)
    flush(path.parent)


def publish_once(path: Path, data: bytes) -> None:
    """Create ``path`` with the content ``data`` if nobody did before; of two writers exactly one succeeds.

    Raises:
        FileExistsError: another writer was first; nothing was changed.
        OSError: the disk refused. ``path`` does not exist, or, where only the flush of its folder failed, holds
            ``data``.
    """
    aside = aside_name(path)
    try:
        write_flushed(aside, data)
        failpoints.reach("once.written")
        os.link(aside, path)
        failpoints.reach("once.linked")
    finally:
        aside.unlink(missing_ok=True)
    flush(path.parent)
    failpoints.reach("once.durable")


@contextmanager
def aside_folder(path: Path) -> Iterator[Path]:
    """A new folder beside ``path`` that no reader looks at; gone at the end unless it was renamed.

    It is locked while its writer lives, so that ``sweep`` can tell what a killed process left.
    """
    aside, descriptor = _locked_folder(path)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(descriptor)


def _locked_folder(path: Path) -> tuple[Path, int]:
    """A folder aside of ``path`` and the descriptor that holds its lock.

    A sweeper may come between making it and locking it and take it for an orphan: then another one is made.
    It cannot come later, because it removes only what it could lock itself.
    """
    while True:
        aside = aside_name(path)
        aside.mkdir()
        try:
            descriptor = os.open(aside, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if aside.exists():
                return aside, descriptor
        except BaseException:
            os.close(descriptor)
            raise
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
        shutil.rmtree(aside, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
