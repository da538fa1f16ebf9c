"""Writing files that survive a power cut.

A file is complete or absent: it is written under another name, flushed to the disk, and renamed. The
rename itself is durable only once the folder is flushed too. After a failed flush the kernel marks the
page clean, so nothing here retries: the error goes up and the caller starts again with a new file.
"""

import os
import uuid
from pathlib import Path


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


def write_durably(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step; after returning, a power cut loses nothing of it.

    Raises:
        OSError: the disk refused (full, read-only, flush failed); ``path`` is as it was before.
    """
    aside = aside_name(path)
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    flush(path.parent)
