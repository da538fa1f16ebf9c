"""The flaw: files are not flushed before they get their names. Folders are."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def applied() -> Iterator[None]:
    """Flushing a file's data does nothing until the end of the block."""
    flush = os.fsync

    def flush_folders_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            flush(descriptor)

    os.fsync = flush_folders_only  # type: ignore[assignment]
    try:
        yield
    finally:
        os.fsync = flush
