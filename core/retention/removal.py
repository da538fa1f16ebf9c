"""Taking away so that a kill at any point leaves a whole store: what goes is renamed first and deleted then.

    .<name>.<random>.dropped   renamed, about to be deleted; whoever comes next deletes it

A package leaves its record in ``packages/dropped/`` before it goes, so that its absence never looks like a loss. Models
go before encoders: no model is ever there without its encoders.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from core import failpoints
from core.durable import flush, make_folder, write_durably
from core.errors import Conflict
from core.registry.claims import forget_claim
from core.registry.packages import DROPPED, dropped_path
from core.retention.rules import Packaged

_ENDING = "dropped"


class AlreadyRunning(Conflict):
    """Another process is tidying this store."""

    code = "retention.already_running"


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Be the only one who removes things from a store.

    Raises:
        AlreadyRunning: another process is at it.
    """
    descriptor = os.open(make_folder(root), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise AlreadyRunning(f"something is being removed from {root} already") from error
    finally:
        os.close(descriptor)


def put_packages_aside(root: Path, going: Sequence[tuple[Packaged, str]], *, dropped_on: str) -> list[Path]:
    """Take packages out of sight, models first; the caller holds the exclusive lock (``core.registry.claims``).

    Args:
        root: the folder of packages.
        going: packages and why they go.
        dropped_on: the date for their records.

    Returns:
        What is left to ``delete``.
    """
    if not going:
        return []
    make_folder(root / DROPPED)
    for one, reason in going:
        record = {"sha": one.sha, "dropped_on": dropped_on, "reason": reason, "bytes": one.bytes}
        write_durably(dropped_path(root, one.sha), json.dumps(record, sort_keys=True).encode())
    failpoints.reach("retention.recorded")
    aside = [_put_aside(root / one.sha) for one, _ in going if one.is_model]
    flush(root)
    failpoints.reach("retention.models_aside")
    aside += [_put_aside(root / one.sha) for one, _ in going if not one.is_model]
    flush(root)
    for one, _ in going:
        forget_claim(root, one.sha)
    failpoints.reach("retention.aside")
    return aside


def forget_records(root: Path) -> None:
    """Remove the records of dropped packages that are here again: trained once more, or never gone."""
    for record in (root / DROPPED).glob("[!.]*.json"):
        if (root / record.stem).is_dir():
            record.unlink(missing_ok=True)


def dropped(root: Path) -> set[str]:
    """The shas of packages that were dropped here and did not come back."""
    records = (record.stem for record in (root / DROPPED).glob("[!.]*.json"))
    return {sha for sha in records if not (root / sha).is_dir()}


def discard(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            delete(path if path.name.endswith(f".{_ENDING}") else _put_aside(path))
        else:
            path.unlink()


def delete(aside: Path) -> None:
    """Delete what was put aside."""
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)
    failpoints.reach("retention.deleted")


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.{_ENDING}")
    path.rename(aside)
    return aside


def leftovers(folder: Path, *, since: float) -> Iterator[Path]:
    """What killed processes left aside below ``folder``: halves of dead writers, and what was being deleted."""
    if not folder.is_dir():
        return
    yield from list(folder.rglob(f".*.{_ENDING}"))
    for aside in list(folder.rglob(".*.aside")):
        with suppress(FileNotFoundError):
            if aside.stat().st_mtime < since and not _is_locked(aside):
                yield aside


def _is_locked(aside: Path) -> bool:
    """Whether the writer of a folder aside lives (``core.store.durable``)."""
    descriptor = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_empty_folders(root: Path) -> None:
    """Remove the folders below ``root`` that hold nothing; ``root`` stays."""
    for folder, _, _ in os.walk(root, topdown=False):
        if Path(folder) != root:
            with suppress(OSError):  # it is not empty
                Path(folder).rmdir()
