"""Copying files so that they are whole, private, and on the disk when it is said that they are."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.backup.record import Refused, sha256_of
from core.durable import aside_name, flush, make_folder
from core.errors import Unavailable


class WrongContent(Unavailable):
    """A file is missing or is not the one that its name or its manifest says."""

    code = "backup.wrong_content"


_PIECE = 1024 * 1024  # bytes read at a time


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only one who writes a backup into ``folder``, which is made where it is missing.

    Raises:
        Refused: another process is at it.
    """
    make_private(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(f"another backup is being written into {folder}") from error
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Make a folder and its parents where they are missing, durably; new ones are for the owner's eyes only."""
    for path in reversed([folder, *folder.parents]):
        if not path.is_dir():
            path.mkdir(mode=0o700, exist_ok=True)
    make_folder(folder)  # puts their names on the disk, found ones too: who made them may have been killed before it


def write_private(path: Path, pieces: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
    """Replace ``path`` by ``pieces`` in one step, for the owner's eyes only; returns sha256 and size.

    The name is on the disk once its folder is flushed.

    Raises:
        WrongContent: the pieces do not have the sha256 ``expected``; ``path`` is as it was.
        OSError: the disk refused; ``path`` is as it was.
    """
    make_private(path.parent)
    aside = aside_name(path)
    digest, size = hashlib.sha256(), 0
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        if expected not in (None, digest.hexdigest()):
            raise WrongContent(f"it has the sha256 {digest.hexdigest()} instead of {expected}")
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def copy(source: Path, target: Path, sha256: str) -> bool:
    """Bring a file of known content to ``target``; False when it was there already.

    Raises:
        WrongContent: ``source`` is missing or is not that file any more; ``target`` is as it was.
    """
    if target.is_file() and sha256_of(target) == sha256:
        return False
    try:
        write_private(target, _pieces(source), expected=sha256)
    except (FileNotFoundError, WrongContent) as error:
        reason = error if isinstance(error, WrongContent) else "it is missing"
        raise WrongContent(f"{source} cannot be copied: {reason}") from error
    return True


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def flush_folders(files: Iterable[Path]) -> None:
    """Put the names of written files on the disk."""
    for folder in {path.parent for path in files}:
        flush(folder)
