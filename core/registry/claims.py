"""Who relies on a package says so first: retention leaves alone what was claimed lately.

    packages/.claims/<sha>   empty; its age is the time since somebody said that it is needed

A claim is made under a shared lock on the folder of packages (``packages.claim``), and retention decides and takes away
under the exclusive one. So a package is either gone before its claim, which then says so, or it stays for the days of
``STORE_KEEP_DAYS``: longer than any job runs, and long enough for the ledger to name it.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CLAIMS = ".claims"
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}

log = logging.getLogger(__name__)


@contextmanager
def claiming(root: Path) -> Iterator[None]:
    """Nothing is taken out of a folder of packages meanwhile, if the folder is there."""
    with _locked(root, fcntl.LOCK_SH):
        yield


@contextmanager
def taking_away(root: Path) -> Iterator[None]:
    """Nobody claims a package meanwhile: to be held for moments."""
    with _locked(root, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(root: Path, mode: int) -> Iterator[None]:
    try:
        descriptor = os.open(root, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)


def mark(root: Path, shas: Iterable[str]) -> None:
    """Write down that these packages are needed; the caller is ``claiming``.

    Where the folder may only be read nothing can be written down, which is logged: packages made within
    ``STORE_KEEP_DAYS`` and all that the ledger's kept epochs name are safe there all the same.
    """
    folder = root / _CLAIMS
    try:
        folder.mkdir(exist_ok=True)
        for sha in shas:
            (folder / sha).touch()
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        log.warning("package.not_claimed", extra={"folder": str(folder), "reason": error.strerror})


def claimed_at(root: Path, sha: str) -> float:
    """When the package was last claimed, in seconds since 1970 by the file system's clock; 0.0 where it never was."""
    try:
        return (root / _CLAIMS / sha).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def forget_claim(root: Path, sha: str) -> None:
    """Remove the claim of a package that is gone."""
    (root / _CLAIMS / sha).unlink(missing_ok=True)
