"""The flaw: files are flushed, the folders that hold their names are not."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def applied() -> Iterator[None]:
    """Flushing a folder does nothing until the end of the block."""
    flush = os.fsync

    def flush_files_only(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            flush(descriptor)

    os.fsync = flush_files_only  # type: ignore[assignment]
    try:
        yield
    finally:
        os.fsync = flush
